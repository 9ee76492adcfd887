"""Tokens of programs: shown once, narrower than their person, ended by time, by revoking, by losing the role."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from governance.access import tokens
from governance.access.roles import Role
from governance.models import ApiToken, User
from tests.pages import stage
from trading.models import Event, TradingControl

MARKETS = "/api/v1/markets/"
PAUSE = {"scope": stage.DEX, "state": "PAUSED", "reason": "looks wrong"}


@pytest.fixture
def olga(desk: None) -> User:
    return stage.person("olga", Role.OPERATOR, Role.AUDITOR)


def issued(person: User, now: datetime, *roles: str, days: int = 30) -> str:
    row = tokens.issue(person, "script", roles or ["auditor"], days, authorised_by="genesis", now=now)
    return tokens.collect(person, row.prefix, now=now).token


def ask(token: str, path: str = MARKETS) -> int:
    return Client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def pause(token: str) -> object:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    client = Client(enforce_csrf_checks=True)
    return client.post("/api/v1/controls/", PAUSE, content_type="application/json", headers=headers)


def test_a_token_reads_and_only_its_hash_is_kept(olga: User, now: datetime) -> None:
    token = issued(olga, now)
    assert ask(token) == 200
    row = ApiToken.objects.get()
    assert token.split("_", 2)[2] not in f"{row.secret_hash}{row.prefix}{row.name}"
    assert (row.authorised_by, row.roles, row.last_used_at is not None) == ("genesis", ["auditor"], True)
    told = Event.objects.get(type="access.token_issued").payload
    assert told == {"person": "olga", "token": row.prefix, "roles": ["auditor"], "authorised_by": "genesis"}


def test_a_token_acts_only_in_its_roles(olga: User, now: datetime) -> None:
    refused = pause(issued(olga, now, "auditor"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_operator")
    assert pause(issued(olga, now, "operator")).status_code == 200
    assert TradingControl.objects.get(scope=stage.DEX).state == "PAUSED"


def test_a_role_lost_is_lost_to_the_token(olga: User, now: datetime) -> None:
    token = issued(olga, now, "operator")
    olga.groups.clear()
    assert ask(token) == 403


@pytest.mark.parametrize("ending", ["revoked", "expired", "closed"])
def test_a_token_ends(olga: User, now: datetime, ending: str) -> None:
    token = issued(olga, now)
    if ending == "revoked":
        tokens.revoke(olga, token.split("_")[1], now=now)
    elif ending == "expired":
        ApiToken.objects.all()
        assert tokens.authenticate(token, now + timedelta(days=30)) is None
        assert tokens.authenticate(token, now + timedelta(days=29)) is not None
        return
    else:
        User.objects.filter(pk=olga.pk).update(is_active=False)
    answer = Client().get(MARKETS, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_token")


@pytest.mark.parametrize(
    "token",
    ["", "x", "dcmm", "dcmm__", "dcmm_a_b", "dcmm_" + "a" * 12 + "_" + "b" * 43, "dcmm_\x00_x", "_" * 100, "x" * 100_000,
     "dcmm_é_é", "dcmm_1_2_3_4"],
)  # fmt: skip
def test_garbage_is_told_to_be_no_token(olga: User, now: datetime, token: str) -> None:
    issued(olga, now)
    assert tokens.authenticate(token, now) is None
    if token.isprintable() and token.isascii():
        assert ask(token) == 403


def test_the_right_prefix_with_another_secret(olga: User, now: datetime) -> None:
    first, second = issued(olga, now), issued(olga, now)
    mixed = "_".join([*first.split("_", 2)[:2], second.split("_", 2)[2]])
    assert tokens.authenticate(mixed, now) is None


@pytest.mark.parametrize(
    ("name", "roles", "days", "code"),
    [("", ["auditor"], 1, "bad_name"), ("x" * 61, ["auditor"], 1, "bad_name"), ("a\x00", ["auditor"], 1, "bad_name"),
     ("a", [], 1, "bad_roles"), ("a", ["root"], 1, "bad_roles"), ("a", ["investor"], 1, "bad_roles"),
     ("a", ["auditor", "auditor"], 1, "bad_roles"), ("a", ["approver"], 1, "not_held"), ("a", ["auditor"], 0, "bad_expiry"),
     ("a", ["auditor"], 367, "bad_expiry")],
)  # fmt: skip
def test_what_is_never_issued(olga: User, now: datetime, name: str, roles: list[str], days: int, code: str) -> None:
    with pytest.raises(tokens.TokenRefused) as caught:
        tokens.issue(olga, name, roles, days, authorised_by="genesis", now=now)
    assert caught.value.code == code
    assert not ApiToken.objects.exists()


def test_who_revokes(olga: User, now: datetime) -> None:
    prefix = issued(olga, now).split("_")[1]
    other = stage.person("otto", Role.OPERATOR, is_superuser=True)
    with pytest.raises(tokens.TokenRefused) as caught:
        tokens.revoke(other, prefix, now=now)
    assert caught.value.code == "not_yours"
    with pytest.raises(tokens.TokenRefused):
        tokens.revoke(olga, "nothing", now=now)
    guardian = stage.person("cora", Role.COMPLIANCE)
    assert tokens.revoke(guardian, prefix, now=now).revoked_by_name == "cora"
    later = now + timedelta(hours=1)
    assert tokens.revoke(olga, prefix, now=later).revoked_at == now
    with pytest.raises(IntegrityError, match="set once"), transaction.atomic():
        ApiToken.objects.update(revoked_at=None)


def test_a_token_opens_no_page_and_no_vote(olga: User, now: datetime) -> None:
    token = issued(olga, now, "operator")
    assert ask(token, "/desk/") == 302
    assert ask(token, "/admin/") == 302
    assert ask(token, "/accounts/me/") == 302


def test_compliance_revokes_by_page(olga: User, now: datetime) -> None:
    prefix = issued(olga, now).split("_")[1]
    other = stage.sign_in(Client(), stage.person("otto", Role.AUDITOR))
    assert other.post("/accounts/me/", {"action": "revoke_token", "token": prefix}).status_code == 422
    guardian = stage.sign_in(Client(), stage.person("cora", Role.COMPLIANCE))
    assert "any-token" in guardian.get("/accounts/me/").content.decode()
    assert guardian.post("/accounts/me/", {"action": "revoke_token", "token": prefix}).status_code == 302
    assert ApiToken.objects.get().revoked_by_name == "cora"


def test_a_token_waits_for_its_person_and_is_shown_once(olga: User, now: datetime) -> None:
    row = tokens.issue(olga, "script", ["auditor"], 30, authorised_by="genesis", now=now)
    assert tokens.authenticate(f"dcmm_{row.prefix}_", now) is None
    other = stage.person("otto", Role.ADMINISTRATOR)
    for person, prefix in ((other, row.prefix), (olga, "nothing"), (olga, "\x01")):
        with pytest.raises(tokens.TokenRefused):
            tokens.collect(person, prefix, now=now)
    with pytest.raises(tokens.TokenRefused):
        tokens.collect(olga, row.prefix, now=now + timedelta(days=31))
    assert ask(tokens.collect(olga, row.prefix, now=now).token) == 200
    with pytest.raises(tokens.TokenRefused):
        tokens.collect(olga, row.prefix, now=now)
    with pytest.raises(IntegrityError, match="fetched once"), transaction.atomic():
        ApiToken.objects.update(secret_hash="0" * 64)


def test_it_is_fetched_by_page_after_the_second_factor(olga: User, now: datetime) -> None:
    row = tokens.issue(stage.enrol(olga), "script", ["auditor"], 30, authorised_by="genesis", now=now)
    client, fetch = stage.sign_in(Client(), olga), {"action": "collect_token", "token": row.prefix}
    assert client.post("/accounts/me/", fetch).status_code == 422
    client.post("/accounts/me/", {"action": "unlock", "code": stage.next_code(olga)})
    page = client.post("/accounts/me/", fetch).content.decode()
    assert ask(re.search(r"<code[^>]*>([^<]+)</code>", page)[1]) == 200
    assert client.post("/accounts/me/", fetch).status_code == 422
