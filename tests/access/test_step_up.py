"""A fresh second factor for one content: which proofs are taken, which are not, and what can be verified years later."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connections, transaction

from governance.access import attempts, recovery, step_up, totp
from governance.access.roles import Role
from governance.models import SecurityKey, StepUpProof, User
from tests.access.authenticator import PRESENT, VERIFIED, Authenticator
from tests.pages import stage

CONTENT = hashlib.sha256(b"spread floor 8 -> 6").hexdigest()
OTHER = hashlib.sha256(b"spread floor 8 -> 1").hexdigest()
VOTE = "vote:approve"
Give = Callable[[User], Authenticator]


def refused(person: User, data: dict[str, str], now: datetime, content: str = CONTENT, purpose: str = VOTE) -> str:
    with pytest.raises(step_up.StepUpRefused) as caught:
        step_up.verify(person, data, purpose, content, now)
    return caught.value.code


def test_a_fresh_code(enrolled: User, now: datetime) -> None:
    code = stage.next_code(enrolled)
    assert step_up.verify(enrolled, {"code": code}, VOTE, CONTENT, now) == step_up.StepUp("totp", now)
    assert refused(enrolled, {"code": code}, now) == "refused"
    kept = StepUpProof.objects.get()
    assert (kept.person, kept.purpose, kept.content_hash, kept.method, kept.used_at) == (
        enrolled, VOTE, CONTENT, "totp", now,
    )  # fmt: skip


def test_the_code_that_signed_in_votes_no_more(enrolled: User, now: datetime) -> None:
    code = totp.code_at(stage.TOTP_SECRET, now)
    assert totp.use_code(enrolled, code, now)
    assert refused(enrolled, {"code": code}, now) == "refused"


def test_what_proves_nothing(enrolled: User, now: datetime) -> None:
    recovery_code, *_ = recovery.new_codes(enrolled, now)
    other = stage.enrol(stage.person("olga", Role.OPERATOR), b"09876543210987654321")
    assert refused(enrolled, {}, now) == "missing"
    assert refused(enrolled, {"code": "", "assertion": ""}, now) == "missing"
    assert refused(enrolled, {"code": recovery_code}, now) == "refused"
    assert refused(enrolled, {"code": stage.next_code(other)}, now) == "refused"
    assert refused(enrolled, {"code": "9" * 5000}, now) == "refused"
    assert refused(enrolled, {"assertion": "{}"}, now) == "stale"


@pytest.mark.parametrize(
    "content", ["", "0", "x" * 64, CONTENT.upper(), CONTENT + "00", CONTENT[:-1] + " ", "\x00" * 64]
)
def test_what_is_no_content(enrolled: User, now: datetime, content: str) -> None:
    assert refused(enrolled, {"code": stage.next_code(enrolled)}, now, content) == "bad_content"


def test_guessing_is_held_back(enrolled: User, now: datetime) -> None:
    for _ in range(attempts.MOST_PER_NAME):
        assert refused(enrolled, {"code": "000000"}, now) == "refused"
    assert refused(enrolled, {"code": stage.next_code(enrolled)}, now) == "held_back"


def test_a_key_signs_the_content_itself(person: User, now: datetime, key_of: Give) -> None:
    key = key_of(person)
    options = json.loads(step_up.begin(person, VOTE, CONTENT, now))
    challenge = base64.urlsafe_b64decode(options["challenge"] + "=")
    assert challenge.hex() == CONTENT
    proof = step_up.verify(person, {"assertion": key.assertion(challenge)}, VOTE, CONTENT, now)
    assert proof.method == "webauthn"
    kept = json.loads(json.dumps(proof.assertion))
    assert step_up.verify_stored(kept, CONTENT, person)
    assert not step_up.verify_stored(kept, OTHER, person)
    assert not step_up.verify_stored(kept, CONTENT, stage.person("olga", Role.APPROVER))


def test_a_signature_is_good_once(person: User, now: datetime) -> None:
    key = Authenticator(count=0)
    key.enrol(person)
    answer = {"assertion": key.assertion(bytes.fromhex(CONTENT))}
    assert refused(person, answer, now) == "stale"
    step_up.begin(person, VOTE, CONTENT, now)
    step_up.verify(person, answer, VOTE, CONTENT, now)
    assert refused(person, answer, now) == "stale"
    step_up.begin(person, VOTE, CONTENT, now)
    assert refused(person, answer, now) == "refused"
    with pytest.raises(IntegrityError, match="set once"), transaction.atomic():
        StepUpProof.objects.exclude(used_at=None).update(used_at=None)


def test_a_proof_is_for_its_purpose_its_content_and_two_minutes(person: User, now: datetime, key_of: Give) -> None:
    key = key_of(person)
    step_up.begin(person, VOTE, CONTENT, now)
    answer = {"assertion": key.assertion(bytes.fromhex(CONTENT))}
    assert refused(person, answer, now, purpose="vote:reject") == "stale"
    assert refused(person, answer, now, OTHER) == "stale"
    assert refused(person, answer, now + timedelta(seconds=121)) == "stale"
    assert refused(person, answer, now - timedelta(seconds=1)) == "stale"
    step_up.begin(person, VOTE, OTHER, now)
    assert refused(person, answer, now, OTHER) == "refused"
    assert step_up.verify(person, answer, VOTE, CONTENT, now + timedelta(seconds=119)).method == "webauthn"


def test_signatures_that_prove_nothing(person: User, now: datetime, key_of: Give) -> None:
    key, challenge = key_of(person), bytes.fromhex(CONTENT)

    def told(answer: str) -> str:
        step_up.begin(person, VOTE, CONTENT, now)
        return refused(person, {"assertion": answer}, now)

    key.origin = "https://dcmm-portal.example"
    assert told(key.assertion(challenge)) == "refused"
    key.origin, key.rp_id = "http://localhost:8000", "example"
    assert told(key.assertion(challenge)) == "refused"
    key.rp_id = "localhost"
    assert told(key.assertion(challenge, flags=VERIFIED)) == "refused"
    assert told(key.assertion(secrets.token_bytes(32))) == "refused"
    thief = Authenticator()
    thief.credential_id = key.credential_id
    assert told(thief.assertion(challenge)) == "refused"
    changed = json.loads(key.assertion(challenge))
    changed["response"]["signature"] = changed["response"]["signature"][:-4] + "AAAA"
    assert told(json.dumps(changed)) == "refused"
    olgas = key_of(stage.person("olga", Role.APPROVER))
    assert told(olgas.assertion(challenge)) == "refused"
    assert step_up.verify(person, {"assertion": key.assertion(challenge)}, VOTE, CONTENT, now).method == "webauthn"


def test_a_counter_that_went_back_is_a_copied_key(person: User, now: datetime, key_of: Give) -> None:
    key, challenge = key_of(person), bytes.fromhex(CONTENT)
    key.count = 40
    step_up.begin(person, VOTE, CONTENT, now)
    step_up.verify(person, {"assertion": key.assertion(challenge, flags=PRESENT)}, VOTE, CONTENT, now)
    for count in (10, 0):
        key.count = count
        step_up.begin(person, VOTE, CONTENT, now)
        # Eight tries are counted together: a counter is forgotten on success only.
        assert refused(person, {"assertion": key.assertion(challenge)}, now) == "refused", count
    assert SecurityKey.objects.get().sign_count == 41


def test_a_revoked_key_signs_no_more_and_its_votes_count_no_more(person: User, now: datetime, key_of: Give) -> None:
    key, challenge = key_of(person), bytes.fromhex(CONTENT)
    step_up.begin(person, VOTE, CONTENT, now)
    kept = step_up.verify(person, {"assertion": key.assertion(challenge)}, VOTE, CONTENT, now).assertion
    SecurityKey.objects.update(revoked_at=now)
    with pytest.raises(step_up.StepUpRefused):
        step_up.begin(person, VOTE, CONTENT, now)
    assert refused(person, {"assertion": key.assertion(challenge)}, now) in ("stale", "refused")
    assert not step_up.verify_stored(kept, CONTENT, person)
    assert step_up.verify_stored(kept, CONTENT, person, is_revoked_good=True)
    with pytest.raises(IntegrityError, match="set once"), transaction.atomic():
        SecurityKey.objects.update(revoked_at=None)


def test_a_key_is_not_asked_without_end(person: User, now: datetime, key_of: Give) -> None:
    key_of(person)
    for _ in range(step_up.WAITING_MAX):
        step_up.begin(person, VOTE, CONTENT, now)
    with pytest.raises(step_up.StepUpRefused) as caught:
        step_up.begin(person, VOTE, CONTENT, now)
    assert caught.value.code == "held_back"
    assert step_up.begin(person, VOTE, CONTENT, now + timedelta(seconds=121))


@pytest.mark.parametrize(
    "kept",
    [None, {}, [], "x", {"response": None}, {"id": 1, "response": {}}, {"id": "\x00", "response": {}},
     {"id": "known", "response": {"signature": 5}}],
)  # fmt: skip
def test_nonsense_was_never_a_vote(person: User, kept: object) -> None:
    assert not step_up.verify_stored(kept, CONTENT, person)


def test_of_two_with_the_same_signature_one_is_good(committed_db: None, valkey: str, now: datetime) -> None:
    person, key = stage.person("anna", Role.APPROVER), Authenticator(count=0)
    key.enrol(person)
    for _ in range(2):
        step_up.begin(person, VOTE, CONTENT, now)
    answer, told, start = {"assertion": key.assertion(bytes.fromhex(CONTENT))}, [], threading.Barrier(4)

    def use() -> None:
        start.wait(5)
        try:
            told.append(step_up.verify(person, answer, VOTE, CONTENT, now).method)
        except step_up.StepUpRefused as problem:
            told.append(problem.code)
        connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert told.count("webauthn") == 1
    assert len(told) == 4
