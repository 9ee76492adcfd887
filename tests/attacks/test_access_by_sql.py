"""Second factors, tokens and permissions attacked in SQL as the application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, LiteralString

import pytest

from governance.access.tokens import collect, issue
from governance.models import ApiToken
from governance.review.applying import apply
from tests.attacks.desk import TIMELOCK, Desk
from tests.attacks.test_votes_by_sql import LOOSER, VOTE, ballot

TOKEN = (
    "INSERT INTO api_tokens (person_id, name, prefix, secret_hash, roles, authorised_by, created_at, expires_at, revoked_by_name)"
    " SELECT id, %(name)s, 'mine', %(secret)s, %(roles)s::jsonb, %(authority)s, now(), now() + %(days)s * interval '1 day', ''"
    " FROM users WHERE username = %(who)s"
)
CHANGE = {"username": "olga", "name": "bot", "roles": ["operator"], "days": "5"}


def token(**changes: Any) -> dict[str, Any]:
    return {
        "who": "olga", "name": "bot", "secret": "", "roles": '["operator"]', "authority": "genesis", "days": 5
    } | changes  # fmt: skip


@pytest.mark.attacks("totp_devices.*", "security_keys.*", "users.credentials_changed_at")
@pytest.mark.parametrize(
    "planted",
    [
        "INSERT INTO totp_devices (person_id, sealed_secret, last_step, created_at)"
        " SELECT id, 'mine', 0, '2020-01-01' FROM users WHERE username = 'anna'",
        "INSERT INTO security_keys (person_id, credential_id, public_key, sign_count, name, created_at)"
        " SELECT id, 'mine', 'mine', 0, 'x', '2020-01-01' FROM users WHERE username = 'anna'",
    ],
)
def test_a_factor_put_in_for_somebody_votes_on_nothing_that_waits(desk: Desk, planted: LiteralString) -> None:
    made = desk.in_review(LOOSER)
    desk.app.execute(planted)
    assert "may not vote" in desk.refused(VOTE, ballot(made, "anna"))
    desk.app.execute("UPDATE users SET credentials_changed_at = NULL WHERE username = 'anna'")
    assert "may not vote" in desk.refused(VOTE, ballot(made, "anna"))


@pytest.mark.attacks("totp_devices.*", "security_keys.*")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE totp_devices SET sealed_secret = 'mine'",
        "UPDATE totp_devices SET person_id = 1",
        "UPDATE totp_devices SET last_step = -1",
        "UPDATE security_keys SET public_key = 'mine'",
        "UPDATE security_keys SET credential_id = 'mine'",
        "UPDATE security_keys SET person_id = 1",
        "UPDATE security_keys SET revoked_at = NULL",
        "DELETE FROM security_keys",
        "TRUNCATE security_keys",
        "TRUNCATE totp_devices",
    ],
)
def test_a_factor_does_not_become_somebody_elses(desk: Desk, statement: LiteralString) -> None:
    desk.app.execute(
        "INSERT INTO totp_devices (person_id, sealed_secret, last_step, created_at)"
        " SELECT id, 'hers', 5, now() FROM users WHERE username = 'anna'"
    )
    desk.app.execute(
        "INSERT INTO security_keys (person_id, credential_id, public_key, sign_count, name, created_at, revoked_at)"
        " SELECT id, 'hers', 'hers', 0, 'x', now(), now() FROM users WHERE username = 'anna'"
    )
    desk.refused(statement)


@pytest.mark.attacks("api_tokens.*")
def test_a_token_without_its_proposal(desk: Desk) -> None:
    assert "only by an approved proposal" in desk.refused(TOKEN, token())
    assert "begins without a secret" in desk.refused(TOKEN, token(secret="0" * 64))
    made = desk.in_review(CHANGE, "token", "adam")
    assert "not approved" in desk.refused(TOKEN, token(authority=f"proposal:{made.pk}"))
    for name in ("anna", "boris"):
        desk.vote(made, name)
    assert "still in its timelock" in desk.refused(TOKEN, token(authority=f"proposal:{made.pk}"))
    desk.travel(TIMELOCK + timedelta(seconds=5))
    for change in ({"who": "anna"}, {"name": "other"}, {"roles": '["approver"]'}, {"days": 6}):
        told = desk.refused(TOKEN, token(authority=f"proposal:{made.pk}", **change))
        assert "allows another token" in told, change
    other = desk.draft(LOOSER)
    assert "explains no change of token" in desk.refused(TOKEN, token(authority=f"proposal:{other.pk}"))
    done = apply(made.pk, now=desk.now())
    assert (done.state, done.failure) == ("APPLIED", "")
    assert "has allowed one" in desk.refused(TOKEN, token(authority=f"proposal:{made.pk}"))


@pytest.mark.attacks("api_tokens.*")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE api_tokens SET person_id = (SELECT id FROM users WHERE username = 'anna')",
        "UPDATE api_tokens SET roles = '[\"approver\"]'",
        "UPDATE api_tokens SET expires_at = '2099-01-01'",
        "UPDATE api_tokens SET name = 'other'",
        "UPDATE api_tokens SET authorised_by = 'genesis'",
        "UPDATE api_tokens SET revoked_at = NULL",
        "UPDATE api_tokens SET secret_hash = repeat('0', 64)",
        "DELETE FROM api_tokens",
        "TRUNCATE api_tokens",
    ],
)
def test_a_token_does_not_become_more(desk: Desk, statement: LiteralString) -> None:
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    olga, now = desk.people["olga"], desk.now()
    row = issue(olga, "bot", ["operator"], 5, authorised_by="genesis", now=now)
    collect(olga, row.prefix, now=now)
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    ApiToken.objects.update(revoked_at=now)
    desk.refused(statement)


@pytest.mark.attacks("users_user_permissions.*")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users_user_permissions (user_id, permission_id)"
        " SELECT u.id, p.id FROM users u, auth_permission p WHERE u.username = 'olga' LIMIT 1",
        "UPDATE users_user_permissions SET user_id = 1",
    ],
)
def test_nobody_is_given_a_permission(desk: Desk, statement: LiteralString) -> None:
    assert "permission denied" in desk.refused(statement)
