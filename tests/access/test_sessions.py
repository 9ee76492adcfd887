"""Sessions: few, limited in time, ended all at once, bound to the second factor that began them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from governance.access import second_factor
from governance.access.roles import Role
from governance.access.sessions import person_of_session
from governance.models import PersonSession, RecoveryCode, SecurityKey, TotpDevice, User
from tests.access.authenticator import Authenticator
from tests.access.test_second_step import SECOND, challenge_of, first_step
from tests.pages import stage
from trading.models import Event

ACCOUNT, ENROL = "/accounts/me/", "/accounts/second-factor/enrol/"


@pytest.fixture
def auditor(desk: None, quick_passwords: None) -> User:
    return stage.enrol(stage.person("auditor", Role.AUDITOR, password=stage.PASSWORD))


def is_in(client: Client) -> bool:
    return client.get("/desk/").status_code == 200


def test_a_session_that_no_second_factor_began_is_nobodys(auditor: User, client: Client) -> None:
    client.force_login(auditor)
    key = client.session.session_key
    assert person_of_session(key) is None
    assert not is_in(client)
    assert person_of_session(stage.sign_in(Client(), auditor).session.session_key) == auditor


@pytest.mark.parametrize("marks", ["x", {}, {"method": "totp", "begun_s": "x", "seen_s": 1}, 5, []])
def test_marks_that_cannot_be_read_are_none(auditor: User, client: Client, marks: object) -> None:
    stage.sign_in(client, auditor)
    session = client.session
    session["signed_in"] = marks
    session.save()
    assert not is_in(client)


def test_an_idle_session_ends_and_a_used_one_goes_on_until_its_last_hour(auditor: User, client: Client) -> None:
    begun = datetime.now(UTC)
    with time_machine.travel(begun, tick=False) as clock:
        stage.sign_in(client, auditor)
        for minutes in range(100, 720, 100):
            clock.move_to(begun + timedelta(minutes=minutes))
            assert is_in(client), minutes
        clock.move_to(begun + timedelta(minutes=719))
        assert is_in(client)
        assert person_of_session(client.session.session_key) == auditor
        clock.move_to(begun + timedelta(minutes=721))
        assert person_of_session(client.session.session_key) is None
        assert not is_in(client)
        idle = stage.sign_in(Client(), auditor)
        clock.move_to(begun + timedelta(minutes=721 + 121))
        assert person_of_session(idle.session.session_key) is None
        assert not is_in(idle)
        assert not PersonSession.objects.exists()


def test_a_clock_that_went_back_ends_it(auditor: User, client: Client) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        stage.sign_in(client, auditor)
        clock.shift(timedelta(hours=-1))
        assert not is_in(client)


def test_the_oldest_of_six_sessions_ends(auditor: User, settings: object) -> None:
    settings.SESSIONS_MAX = 2
    clients = []
    for n in range(3):
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2 * n), tick=False):
            client = Client()
            first_step(client, "auditor")
            assert client.post(SECOND, {"code": stage.next_code(auditor)}).status_code == 302
            clients.append(client)
    assert [PersonSession.objects.count(), *[bool(client.session.get("_auth_user_id")) for client in clients]] == [
        2, False, True, True,
    ]  # fmt: skip


def test_sign_out_everywhere_else(auditor: User, client: Client) -> None:
    other, third = stage.sign_in(Client(), auditor), stage.sign_in(Client(), stage.person("olga", Role.AUDITOR))
    stage.sign_in(client, auditor)
    assert client.post(ACCOUNT, {"action": "end_sessions"}).status_code == 302
    assert [is_in(client), is_in(other), is_in(third)] == [True, False, True]
    assert Event.objects.get(type="access.sessions_ended").payload == {"person": "auditor", "ended": 1}


def test_signing_out_forgets_the_session(auditor: User, client: Client) -> None:
    stage.sign_in(client, auditor)
    client.post("/accounts/sign-out/")
    assert not PersonSession.objects.exists()
    assert not is_in(client)


def test_a_new_password_ends_every_session(auditor: User, client: Client) -> None:
    stage.sign_in(client, auditor)
    auditor.set_password("another-long-password-8")
    auditor.save()
    assert not is_in(client)


def test_a_reset_takes_every_factor_and_ends_every_session(
    auditor: User, client: Client, now: datetime, key_of: Callable[[User], Authenticator]
) -> None:
    key_of(auditor)
    stage.sign_in(client, auditor)
    second_factor.reset(auditor, authorised_by="proposal:9", now=now)
    assert not is_in(client)
    assert not second_factor.has_factor(auditor)
    assert (TotpDevice.objects.count(), RecoveryCode.objects.count()) == (0, 0)
    assert SecurityKey.objects.get().revoked_at == now
    assert first_step(client, "auditor") == ENROL
    told = Event.objects.get(type="access.factors_reset").payload
    assert told == {"person": "auditor", "authorised_by": "proposal:9"}


def test_factors_change_only_just_after_one_was_given(auditor: User, client: Client) -> None:
    stage.sign_in(client, auditor)
    assert client.get(ENROL).headers["Location"] == ACCOUNT
    assert client.post("/accounts/keys/options/", {"for": "enrol"}).status_code == 403
    assert client.post(ACCOUNT, {"action": "new_codes"}).status_code == 422
    assert client.post(ACCOUNT, {"action": "revoke_key", "key": "1"}).status_code == 422
    assert client.post(ACCOUNT, {"action": "unlock", "code": "000000"}).status_code == 422
    assert client.post(ACCOUNT, {"action": "anything"}).status_code == 400
    assert not RecoveryCode.objects.exists()
    assert client.post(ACCOUNT, {"action": "unlock", "code": stage.next_code(auditor)}).status_code == 302
    assert "Recovery codes" in client.post(ACCOUNT, {"action": "new_codes"}).content.decode()
    key, other = Authenticator(), stage.sign_in(Client(), auditor)
    assert client.post(ENROL, {"assertion": key.creation(challenge_of(client, "enrol"))}).status_code == 302
    assert [is_in(client), is_in(other)] == [True, False]
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=301), tick=False):
        assert client.post(ACCOUNT, {"action": "new_codes"}).status_code == 422


def test_the_only_factor_cannot_be_removed(desk: None, client: Client, key_of: Callable[[User], Authenticator]) -> None:
    from governance.access.unlocking import content_hash

    person = stage.person("auditor", Role.AUDITOR)
    key = key_of(person)
    stage.sign_in(client, person)
    asked = {"for": "step_up", "purpose": "account", "content_hash": content_hash(person)}
    assert client.post("/accounts/keys/options/", asked).status_code == 200
    answer = key.assertion(bytes.fromhex(content_hash(person)))
    assert client.post(ACCOUNT, {"action": "unlock", "assertion": answer}).status_code == 302
    row = SecurityKey.objects.get()
    refused = client.post(ACCOUNT, {"action": "revoke_key", "key": row.pk})
    assert (refused.status_code, "your only second factor" in refused.content.decode()) == (422, True)
    stage.enrol(person)
    assert client.post(ACCOUNT, {"action": "revoke_key", "key": row.pk}).status_code == 302
    row.refresh_from_db()
    assert row.revoked_at is not None
