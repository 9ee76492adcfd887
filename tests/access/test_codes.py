"""Codes of apps and recovery codes: the RFC's own vectors, clocks that are off, replays, nonsense."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connections, transaction

from governance.access import recovery, totp
from governance.access.roles import Role
from governance.access.sealing import CannotUnseal, seal, unseal
from governance.models import RecoveryCode, TotpDevice, User
from tests.pages import stage

SECRET = stage.TOTP_SECRET
# RFC 6238 appendix B, SHA-1, the last six of its eight digits.
RFC_6238 = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
]  # fmt: skip


@pytest.mark.parametrize(("at_s", "code"), RFC_6238)
def test_the_vectors_of_the_rfc(at_s: int, code: str) -> None:
    at = datetime.fromtimestamp(at_s, UTC)
    assert totp.code_at(SECRET, at) == code
    assert totp.matching_step(SECRET, code, at, after_step=0) == at_s // 30


@pytest.mark.parametrize(("skew_s", "is_good"), [(0, True), (-30, True), (30, True), (-60, False), (60, False)])
def test_a_clock_may_be_off_by_one_step(enrolled: User, now: datetime, skew_s: int, is_good: bool) -> None:
    code = totp.code_at(SECRET, now + timedelta(seconds=skew_s))
    assert totp.use_code(enrolled, code, now) is is_good


def test_a_code_is_good_once_and_none_before_it(enrolled: User, now: datetime) -> None:
    code, before = totp.code_at(SECRET, now), totp.code_at(SECRET, now - timedelta(seconds=30))
    assert totp.use_code(enrolled, code, now)
    assert not totp.use_code(enrolled, code, now)
    assert not totp.use_code(enrolled, code, now + timedelta(seconds=20))
    assert not totp.use_code(enrolled, before, now)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٢٨٧٠٨٢", "-12345", "1e5000", "0x1234", "9" * 400])
def test_what_is_no_code(enrolled: User, now: datetime, code: str) -> None:
    assert not totp.use_code(enrolled, code, now)


def test_spaces_do_not_matter(enrolled: User, now: datetime) -> None:
    code = totp.code_at(SECRET, now)
    assert totp.use_code(enrolled, f" {code[:3]} {code[3:]} ", now)


def test_of_two_at_the_same_moment_one_is_good(committed_db: None, valkey: str, now: datetime) -> None:
    person = stage.enrol(stage.person("anna", Role.APPROVER))
    code, answers, start = totp.code_at(SECRET, now), [], threading.Barrier(6)

    def use() -> None:
        start.wait(5)
        answers.append(totp.use_code(person, code, now))
        connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == [False] * 5 + [True]


def test_the_database_lets_no_step_fall(enrolled: User, now: datetime) -> None:
    assert totp.use_code(enrolled, totp.code_at(SECRET, now), now)
    with pytest.raises(IntegrityError, match="only rises"), transaction.atomic():
        TotpDevice.objects.filter(person=enrolled).update(last_step=0)


def test_secrets_stand_sealed(enrolled: User, settings: object) -> None:
    sealed = TotpDevice.objects.get(person=enrolled).sealed_secret
    assert totp.shown(SECRET) not in sealed and SECRET.decode() not in sealed
    former = settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-0123456789-0123456789-0123456789-0123456789"
    with pytest.raises(CannotUnseal):
        unseal(sealed)
    settings.SECRET_KEY_FALLBACKS = [former]
    assert unseal(sealed) == SECRET
    assert unseal(seal(b"x")) == b"x"


def test_a_lost_key_of_the_installation_refuses_and_does_not_fail(
    enrolled: User, now: datetime, settings: object
) -> None:
    code = totp.code_at(SECRET, now)
    settings.SECRET_KEY = "another-key-0123456789-0123456789-0123456789-0123456789"
    assert not totp.use_code(enrolled, code, now)


def test_the_app_is_told_who_and_where(enrolled: User) -> None:
    assert totp.provisioning_uri(enrolled, SECRET) == (
        "otpauth://totp/DCMM%20portal%3Aanna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=DCMM+portal"
    )


def test_recovery_codes_are_good_once_each_and_kept_as_hashes(person: User, now: datetime) -> None:
    first, second, *others = recovery.new_codes(person, now)
    assert len(others) == 8
    assert len(first) == 19
    assert not RecoveryCode.objects.filter(code_hash__contains=first.replace("-", "")).exists()
    assert recovery.use_recovery_code(person, first.upper(), now)
    assert not recovery.use_recovery_code(person, first, now)
    assert recovery.use_recovery_code(person, second.replace("-", " "), now)
    assert recovery.codes_left(person) == 8
    with pytest.raises(IntegrityError, match="set once"), transaction.atomic():
        RecoveryCode.objects.exclude(used_at=None).update(used_at=None)
    recovery.new_codes(person, now)
    assert not recovery.use_recovery_code(person, others[0], now)


@pytest.mark.parametrize("code", ["", "aaaa-bbbb-cccc-dddd", "\x00" * 16, "x" * 5000])
def test_what_is_no_recovery_code(person: User, now: datetime, code: str) -> None:
    recovery.new_codes(person, now)
    assert not recovery.use_recovery_code(person, code, now)


def test_nobody_elses_recovery_code(person: User, now: datetime) -> None:
    code, *_ = recovery.new_codes(person, now)
    assert not recovery.use_recovery_code(stage.person("olga", Role.OPERATOR), code, now)
