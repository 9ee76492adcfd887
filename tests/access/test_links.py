"""The public's accounts: a link that works once, tells nobody who has an account, and opens no page of the desk."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core import mail
from django.db import IntegrityError, connections, transaction
from django.test import Client

from governance.access import attempts, investors
from governance.access.roles import Role, has_role
from governance.models import SignInLink, User
from tests.pages import stage

ASK = "/accounts/link/"
SENT = "If the address is right, a mail is on its way."


@pytest.fixture
def public(desk: None) -> None:
    """A desk is set up; nobody has asked for anything."""


def ask(email: str, peer: str = "203.0.113.7", address: str = ASK) -> str:
    return Client(REMOTE_ADDR=peer).post(address, {"email": email}).content.decode()


def link_in(message: object) -> str:
    return re.search(r"http://localhost:8000(/accounts/link/\S+)", message.body).group(1)


def the_link(email: str = "ines@example.com") -> str:
    ask(email)
    return link_in(mail.outbox[-1])


def test_the_first_link_makes_an_investor(public: None, client: Client) -> None:
    link = the_link()
    assert not User.objects.exists()
    assert "Sign in" in client.get(link).content.decode()
    assert client.post(link).headers["Location"] == "/"
    person = User.objects.get()
    assert (person.email, has_role(person, Role.INVESTOR), person.is_staff, person.has_usable_password()) == (
        "ines@example.com", True, False, False,
    )  # fmt: skip
    assert client.get("/").status_code == 200
    assert client.get("/accounts/me/").status_code == 200
    for address in ("/desk/", "/admin/trading/fill/", "/api/v1/markets/"):
        assert client.get(address, follow=True).status_code == 403, address


def test_a_link_leads_back_to_the_page_where_it_was_asked_for(public: None, client: Client) -> None:
    ask("ines@example.com", address=f"{ASK}?next=/disclosures/general-risk/1/")
    assert client.post(link_in(mail.outbox[-1])).headers["Location"] == "/disclosures/general-risk/1/"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:evil", "/a%0d%0aSet-Cookie:x",
     "/" + "a" * 300, "/%C3%A9", "disclosures/"],
)  # fmt: skip
def test_a_link_leads_nowhere_else(public: None, client: Client, elsewhere: str) -> None:
    ask("ines@example.com", address=f"{ASK}?next={elsewhere}")
    assert "next" not in mail.outbox[-1].body
    assert client.post(f"{link_in(mail.outbox[-1])}?next={elsewhere}").headers["Location"] == "/"


def test_looking_at_a_link_does_not_use_it_up_and_using_it_does(public: None, client: Client) -> None:
    link = the_link()
    for _ in range(2):
        assert Client().get(link).status_code == 200
    assert client.post(link).status_code == 302
    assert Client().post(link).status_code == 410
    assert Client().get(link).status_code == 410


def test_a_link_works_for_fifteen_minutes(public: None, client: Client) -> None:
    link = the_link()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=15, seconds=1), tick=False):
        assert client.post(link).status_code == 410
    assert not User.objects.exists()


def test_the_second_time_it_is_the_same_account(public: None) -> None:
    for email in ("ines@example.com", "INES@example.com"):
        Client().post(the_link(email))
    assert User.objects.count() == 1


def test_the_page_says_the_same_whoever_asks(public: None) -> None:
    Client().post(the_link())
    stage.User.objects.create_user("anna", email="anna@example.com", is_staff=True)
    answers = {ask(email) for email in ("ines@example.com", "nobody@example.com", "anna@example.com")}
    assert [SENT in answer for answer in answers] == [True] * len(answers)
    assert len({re.sub(r'value="[A-Za-z0-9]{64}"', "", answer) for answer in answers}) == 1
    assert len(mail.outbox) == 4


def test_a_member_of_the_desk_gets_no_link(public: None) -> None:
    stage.person("anna", Role.APPROVER)
    User.objects.update(email="anna@example.com", is_staff=False)
    ask("Anna@example.com")
    assert "/accounts/link/" not in mail.outbox[0].body
    assert "/accounts/sign-in/" in mail.outbox[0].body
    assert not SignInLink.objects.exists()


def test_who_joins_the_desk_meanwhile_is_not_signed_in_by_the_old_link(public: None, client: Client) -> None:
    link = the_link()
    person = User.objects.create(username="anna", email="ines@example.com")
    person.groups.add(Group.objects.get(name="approver"))
    assert client.post(link).status_code == 410


def test_a_session_begun_by_a_link_has_no_role_of_the_desk_even_if_granted(public: None, client: Client) -> None:
    client.post(the_link())
    person = User.objects.get()
    person.groups.add(Group.objects.get(name="operator"))
    assert client.get("/desk/").status_code == 403
    assert client.get("/admin/trading/fill/", follow=True).status_code == 403
    assert client.get("/api/v1/markets/").status_code == 403


def test_a_mailbox_is_not_filled_and_no_list_gone_through(public: None) -> None:
    for n in range(3):
        assert SENT in ask("ines@example.com", f"203.0.113.{n}")
    assert "Too many attempts" in ask("Ines@Example.com", "203.0.113.9")
    assert len(mail.outbox) == 3
    for n in range(attempts.MOST_PER_ADDRESS):
        ask(f"n{n}@example.com", "198.51.100.1")
    assert "Too many attempts" in ask("another@example.com", "198.51.100.1")


@pytest.mark.parametrize(
    "email", ["", "x", "a@b\r\nBcc: c@example.com", "a" * 300 + "@example.com", "a\x00@example.com"]
)
def test_what_is_no_address(public: None, email: str) -> None:
    assert SENT not in ask(email)
    assert mail.outbox == []


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00", "a" * 5000, "é"])
def test_garbage_is_no_link(public: None, token: str) -> None:
    the_link()
    assert Client().get(f"/accounts/link/{token}/").status_code == 410
    assert Client().post(f"/accounts/link/{token}/").status_code == 410


def test_a_used_link_stays_used(public: None) -> None:
    Client().post(the_link())
    with pytest.raises(IntegrityError, match="set once"), transaction.atomic():
        SignInLink.objects.update(used_at=None)
    with pytest.raises(IntegrityError, match="users_email_once"), transaction.atomic():
        User.objects.create(username="other", email="INES@example.com")


def test_two_links_at_the_same_moment_make_one_account(committed_db: None, valkey: str, now: datetime) -> None:
    for _ in range(2):
        investors.send_link("ines@example.com", now)
    tokens = [link_in(message).split("/")[3] for message in mail.outbox]
    people, start = [], threading.Barrier(4)

    def use(token: str) -> None:
        start.wait(5)
        people.append(investors.use_link(token, now))
        connections.close_all()

    threads = [threading.Thread(target=use, args=[token]) for token in tokens * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len([person for person in people if person is not None]) == 2
    assert User.objects.count() == 1


def test_a_mail_that_cannot_be_sent_is_not_told_to_the_page(
    public: None, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert SENT in ask("ines@example.com")
