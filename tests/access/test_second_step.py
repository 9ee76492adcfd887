"""Signing in by pages: nobody is signed in before the second step; without a factor there is one page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from governance.access import attempts, recovery, totp
from governance.models import PersonSession, RecoveryCode, SecurityKey, TotpDevice, User
from tests.access.authenticator import Authenticator
from tests.pages import stage
from trading.models import Event

SIGN_IN, SECOND, ENROL = "/accounts/sign-in/", "/accounts/second-factor/", "/accounts/second-factor/enrol/"
OPTIONS = "/accounts/keys/options/"


def first_step(client: Client, name: str = "anna", next_page: str = "") -> str:
    form = {"username": name, "password": stage.PASSWORD, "next": next_page}
    return client.post(SIGN_IN, form).headers["Location"]


def challenge_of(client: Client, kind: str) -> bytes:
    options = client.post(OPTIONS, {"for": kind}).json()
    import base64

    return base64.urlsafe_b64decode(options["challenge"] + "=")


def test_the_password_alone_opens_nothing(enrolled: User, client: Client) -> None:
    assert first_step(client) == SECOND
    assert "_auth_user_id" not in client.session
    for address in ("/desk/", "/accounts/me/", ENROL):
        assert client.get(address).headers["Location"].startswith(SIGN_IN), address
    assert client.get("/api/v1/markets/").status_code == 403


def test_a_code_signs_in_and_leads_where_one_wanted_to_go(enrolled: User, client: Client) -> None:
    first_step(client, next_page="/desk/?a=1")
    before = client.session.session_key
    answer = client.post(SECOND, {"code": stage.next_code(enrolled)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/desk/?a=1")
    assert client.session.session_key != before
    assert "password_given" not in client.session
    assert PersonSession.objects.get(person=enrolled).method == "totp"


def test_a_used_code_signs_nobody_in_again(enrolled: User, client: Client) -> None:
    code = stage.next_code(enrolled)
    first_step(client)
    client.post(SECOND, {"code": code})
    other = Client()
    first_step(other)
    answer = other.post(SECOND, {"code": code})
    assert (answer.status_code, "used before" in answer.content.decode()) == (422, True)


def test_the_password_is_remembered_for_five_minutes(enrolled: User, client: Client) -> None:
    first_step(client)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=301), tick=False):
        answer = client.post(SECOND, {"code": totp.code_at(stage.TOTP_SECRET, datetime.now(UTC))})
        assert (answer.status_code, answer.headers["Location"]) == (302, SIGN_IN)
    assert "_auth_user_id" not in client.session


def test_a_password_changed_between_the_steps_ends_it(enrolled: User, client: Client) -> None:
    first_step(client)
    enrolled.set_password("another-long-password-8")
    enrolled.save()
    assert client.post(SECOND, {"code": stage.next_code(enrolled)}).headers["Location"] == SIGN_IN


def test_guessing_codes_is_held_back_wherever_it_comes_from(enrolled: User) -> None:
    def guess(code: str, n: int) -> str:
        client = Client(REMOTE_ADDR=f"203.0.113.{n}")
        first_step(client)
        return client.post(SECOND, {"code": code}).content.decode()

    for n in range(attempts.MOST_PER_NAME):
        assert "This code is wrong" in guess("000000", n)
    assert "Too many wrong codes. Try again in 10 minutes." in guess(stage.next_code(enrolled), 99)


def test_without_redis_no_code_is_taken(enrolled: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    first_step(client)
    monkeypatch.setattr(attempts, "sync_client", lambda: redis.Redis(port=1, socket_connect_timeout=0.2))
    answer = client.post(SECOND, {"code": stage.next_code(enrolled)})
    assert "cannot be checked right now" in answer.content.decode()


def test_a_recovery_code_signs_in_once_and_is_told(enrolled: User, client: Client, now: datetime) -> None:
    code, *_ = recovery.new_codes(enrolled, now)
    first_step(client)
    assert client.post(SECOND, {"code": code}).status_code == 302
    other = Client()
    first_step(other)
    assert other.post(SECOND, {"code": code}).status_code == 422
    assert Event.objects.get(type="access.recovery_code_used").payload == {"person": "anna", "left": 9}


@pytest.mark.parametrize(
    "form",
    [{}, {"code": ""}, {"code": "x" * 65}, {"assertion": "{}"}, {"assertion": "[" * 9000}, {"assertion": "x" * 17_000},
     {"code": "\x00"}, {"assertion": '{"id": "\\u0000", "response": {}}'}, {"assertion": "null"}],
)  # fmt: skip
def test_nonsense_is_refused(enrolled: User, client: Client, form: dict[str, str]) -> None:
    first_step(client)
    client.post(OPTIONS, {"for": "sign_in"})
    assert client.post(SECOND, form).status_code == 422
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    "form",
    [{"username": "x" * 151}, {"password": "x" * 4097}, {"username": "a\x00"}, {"password": "a\x00"}, {"username": ""}],
)
def test_oversized_and_odd_passwords_are_not_even_tried(enrolled: User, client: Client, form: dict[str, str]) -> None:
    answer = client.post(SIGN_IN, {"username": "anna", "password": stage.PASSWORD} | form)
    assert (answer.status_code, "field-error" in answer.content.decode()) == (200, True)


def test_a_key_signs_in(person: User, client: Client, key_of: Callable[[User], Authenticator]) -> None:
    key = key_of(person)
    assert first_step(client) == SECOND
    answer = key.assertion(challenge_of(client, "sign_in"))
    assert client.post(SECOND, {"assertion": answer}).headers["Location"] == "/desk/"
    other = Client()
    first_step(other)
    challenge_of(other, "sign_in")
    assert other.post(SECOND, {"assertion": answer}).status_code == 422


def test_a_challenge_is_good_for_one_answer(
    person: User, client: Client, key_of: Callable[[User], Authenticator]
) -> None:
    key = key_of(person)
    first_step(client)
    challenge = challenge_of(client, "sign_in")
    stranger = Authenticator()
    stranger.credential_id = key.credential_id
    assert client.post(SECOND, {"assertion": stranger.assertion(challenge)}).status_code == 422
    assert client.post(SECOND, {"assertion": key.assertion(challenge)}).status_code == 422
    assert client.post(SECOND, {"assertion": key.assertion(challenge_of(client, "sign_in"))}).status_code == 302


def test_without_a_factor_there_is_one_page(person: User, client: Client) -> None:
    assert first_step(client) == ENROL
    page = client.get(ENROL).content.decode()
    assert "this is the only page you can see" in page
    assert "data:image/svg+xml" in page and "style=" not in page
    assert client.get("/desk/").headers["Location"].startswith(SIGN_IN)
    assert client.get("/api/v1/markets/").status_code == 403
    assert client.get(SECOND).headers["Location"] == ENROL


def test_enrolling_an_app_shows_recovery_codes_once_and_signs_in(person: User, client: Client) -> None:
    first_step(client)
    shown = re.search(r'class="secret" dir="ltr">([A-Z2-7]{32})<', client.get(ENROL).content.decode()).group(1)
    import base64

    secret = base64.b32decode(shown)
    assert shown not in json.dumps(dict(client.session))
    assert client.post(ENROL, {"code": "000000"}).status_code == 422
    code = totp.code_at(secret, datetime.now(UTC))
    answer = client.post(ENROL, {"code": code})
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", answer.content.decode())
    assert len(codes) == 10
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.get("/desk/").status_code == 200
    # Sent a second time, it enrols nothing more.
    assert client.post(ENROL, {"code": code}).headers["Location"] == "/accounts/me/"
    assert (TotpDevice.objects.count(), RecoveryCode.objects.count()) == (1, 10)
    assert Event.objects.get(type="access.factor_added").payload == {"person": "anna", "kind": "totp"}
    # The code that enrolled is used up.
    other = Client()
    first_step(other)
    assert other.post(SECOND, {"code": code}).status_code == 422


def test_enrolling_a_key(person: User, client: Client) -> None:
    first_step(client)
    key = Authenticator()
    answer = client.post(ENROL, {"assertion": key.creation(challenge_of(client, "enrol")), "name": "blue"})
    assert "Recovery codes" in answer.content.decode()
    assert SecurityKey.objects.get(person=person).name == "blue"
    assert client.get("/desk/").status_code == 200


def test_nobody_with_a_factor_enrols_another_by_the_password_alone(enrolled: User, client: Client) -> None:
    first_step(client)
    assert client.get(ENROL).headers["Location"] == SIGN_IN
    assert client.post(OPTIONS, {"for": "enrol"}).status_code == 403
    key = Authenticator()
    assert client.post(ENROL, {"assertion": key.creation(b"\0" * 32)}).status_code == 302
    assert not SecurityKey.objects.exists()


def test_a_superuser_without_a_role_gets_as_far_as_anybody(quick_passwords: None, db: None, valkey: str) -> None:
    root = stage.enrol(stage.person("root", is_superuser=True, password=stage.PASSWORD))
    client = Client()
    first_step(client, "root")
    client.post(SECOND, {"code": stage.next_code(root)})
    assert client.session["_auth_user_id"] == str(root.pk)
    assert client.get("/desk/").status_code == 403
    assert client.get("/admin/", follow=True).status_code == 403
    assert client.get("/api/v1/markets/").status_code == 403
    assert not root.has_perm("trading.view_fill")
