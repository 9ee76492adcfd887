"""Passwords: changed by their person with a factor, reset by review so that nobody else learns the new one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client

from governance.access.credentials import CredentialsRefused, reset_password
from governance.models import PersonSession, User
from tests.access.test_second_step import SECOND, first_step
from tests.pages import stage
from trading.models import Event

OWN, ACCOUNT = "/accounts/me/password/", "/accounts/me/"
NEW = "quite-another-password-9"
TWICE = {"new_password1": NEW, "new_password2": NEW}


def unlocked(person: User) -> Client:
    client = stage.sign_in(Client(), person)
    client.post(ACCOUNT, {"action": "unlock", "code": stage.next_code(person)})
    return client


def test_a_change_needs_the_factor_and_the_old_password(enrolled: User) -> None:
    locked = stage.sign_in(Client(), enrolled)
    form = TWICE | {"old_password": stage.PASSWORD}
    assert locked.post(OWN, form).headers["Location"] == ACCOUNT
    client = unlocked(enrolled)
    assert client.post(OWN, TWICE | {"old_password": "wrong"}).status_code == 422
    assert client.post(OWN, form | {"new_password1": "123", "new_password2": "123"}).status_code == 422
    enrolled.refresh_from_db()
    assert enrolled.check_password(stage.PASSWORD)
    assert client.post(OWN, form).status_code == 302
    enrolled.refresh_from_db()
    assert enrolled.check_password(NEW)
    assert [client.get(ACCOUNT).status_code, locked.get(ACCOUNT).status_code] == [200, 302]
    assert Event.objects.filter(type="access.password_changed").count() == 1


@pytest.fixture
def reset(enrolled: User, now: datetime, django_capture_on_commit_callbacks: object) -> str:
    """The link's path after a reset by review."""
    stage.sign_in(Client(), enrolled)
    enrolled.email = "anna@example.com"
    enrolled.save()
    with django_capture_on_commit_callbacks(execute=True):
        reset_password(enrolled, authorised_by="proposal:3", now=now)
    return re.search(r"http://localhost:8000(\S+)", mail.outbox[0].body).group(1)


def test_a_reset_ends_everything_and_its_link_sets_a_password_once(reset: str, enrolled: User) -> None:
    assert not PersonSession.objects.exists()
    client = Client()
    assert (
        "do not belong together"
        in client.post("/accounts/sign-in/", {"username": "anna", "password": stage.PASSWORD}).content.decode()
    )
    page = client.get(reset, follow=True)
    assert "Choose a new password" in page.content.decode()
    form_address = page.redirect_chain[-1][0]
    assert client.post(form_address, TWICE).headers["Location"] == "/accounts/sign-in/"
    assert "_auth_user_id" not in client.session
    assert "no longer works" in Client().get(reset, follow=True).content.decode()
    enrolled.refresh_from_db()
    assert enrolled.check_password(NEW)
    # The second factor is still asked for.
    form = {"username": "anna", "password": NEW}
    assert Client().post("/accounts/sign-in/", form).headers["Location"] == SECOND


def test_the_link_works_for_an_hour(reset: str) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=3_602), tick=False):
        assert "no longer works" in Client().get(reset, follow=True).content.decode()


def test_nobody_is_reset_who_could_never_get_in_again(enrolled: User, now: datetime) -> None:
    with pytest.raises(CredentialsRefused):
        reset_password(enrolled, authorised_by="proposal:3", now=now)
    assert first_step(Client()) == SECOND
