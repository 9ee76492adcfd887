"""Proposals, votes, policy and roles attacked in SQL with the application's own password."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.models import Proposal
from governance.review.applying import apply
from tests.attacks.desk import SLUG, TIMELOCK, Desk

LOOSER = {"markets": {SLUG: {"spread_floor_bps": "1"}}}
VOTE = (
    "INSERT INTO votes (proposal_id, revision, voter_id, voter_name, choice, content_hash, reason, voted_at, method)"
    " SELECT p.id, p.revision, u.id, u.username, %(choice)s, coalesce(%(hash)s, p.content_hash), '', now(), 'totp'"
    " FROM proposals p, users u WHERE p.id = %(id)s AND u.username = %(who)s"
)
INSERT = (
    "INSERT INTO proposals (kind, subject, title, reason, change, base, content_hash, policy_version, required, risk_class,"
    " risk_reasons, state, revision, proposer_id, proposer_name, created_at, submitted_at, decided_at, not_before, valid_until,"
    " applied_at, applied_by_name, reviewed_by_name, failure, preview_hash, is_demo) "
    "SELECT kind, subject, title, reason, change, base, content_hash, policy_version, required, risk_class, risk_reasons,"
    " %(state)s, 1, proposer_id, proposer_name, now() - interval '9 days', now() - interval '8 days', now() - interval '7 days',"
    " now() - interval '6 days', now() + interval '6 days', NULL, '', '', '', '', %(demo)s FROM proposals WHERE id = %(id)s"
)


def ballot(made: Proposal, who: str, choice: str = "approve", content: str | None = None) -> dict[str, object]:
    return {"id": made.pk, "who": who, "choice": choice, "hash": content}


@pytest.mark.attacks("votes.*")
def test_a_proposers_a_strangers_a_guardians_vote(desk: Desk) -> None:
    made = desk.in_review(LOOSER)
    assert "their own proposal" in desk.refused(VOTE, ballot(made, "olga"))
    assert "may not vote" in desk.refused(VOTE, ballot(made, "adam"))
    assert "may not vote" in desk.refused(VOTE, ballot(made, "carl"))


@pytest.mark.attacks("votes.*")
def test_a_second_vote(desk: Desk) -> None:
    made = desk.in_review(LOOSER)
    desk.app.execute(VOTE, ballot(made, "anna"))
    assert "vote_once_per_revision" in desk.refused(VOTE, ballot(made, "anna"))


@pytest.mark.attacks("votes.*")
def test_a_vote_about_other_content_or_too_late_or_on_a_draft(desk: Desk) -> None:
    made = desk.in_review(LOOSER)
    assert "other content" in desk.refused(VOTE, ballot(made, "anna", content="0" * 64))
    assert "not in review" in desk.refused(VOTE, ballot(desk.draft(LOOSER), "anna"))
    desk.travel(timedelta(days=15))
    assert "not in review" in desk.refused(VOTE, ballot(made, "anna"))


@pytest.mark.attacks("votes.*")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE votes SET choice = 'approve'",
        "UPDATE votes SET voter_id = voter_id + 1",
        "DELETE FROM votes",
        "TRUNCATE votes",
        "TRUNCATE proposals CASCADE",
        "DELETE FROM proposals",
        "DELETE FROM proposal_transitions",
        "UPDATE proposal_transitions SET reason = ''",
        "DELETE FROM proposal_comments",
    ],
)
def test_an_edited_or_deleted_vote(desk: Desk, statement: str) -> None:
    made = desk.in_review(LOOSER)
    desk.vote(made, "anna", "reject")
    desk.refused(statement)
    assert desk.one("SELECT count(*) AS n FROM votes WHERE choice = 'reject'")["n"] == 1


@pytest.mark.attacks("proposals.*")
@pytest.mark.parametrize("state", ["IN_REVIEW", "APPROVED", "APPLIED"])
@pytest.mark.parametrize("demo", [False, True])
def test_a_proposal_inserted_beyond_its_draft(desk: Desk, state: str, demo: bool) -> None:
    made = desk.draft(LOOSER)
    assert "begins as a draft" in desk.refused(INSERT, {"state": state, "id": made.pk, "demo": demo})


@pytest.mark.attacks("proposals.*")
def test_content_and_times_of_a_proposal_in_review(desk: Desk) -> None:
    made = desk.in_review(LOOSER)
    desk.vote(made, "anna")
    for statement in (
        "UPDATE proposals SET change = '{\"markets\": {}}' WHERE id = %s",
        "UPDATE proposals SET base = '{}' WHERE id = %s",
        "UPDATE proposals SET content_hash = repeat('0', 64) WHERE id = %s",
        "UPDATE proposals SET kind = 'control' WHERE id = %s",
        "UPDATE proposals SET revision = revision + 1 WHERE id = %s",
        "UPDATE proposals SET proposer_id = proposer_id + 1 WHERE id = %s",
        "UPDATE proposals SET created_at = created_at + interval '1 day' WHERE id = %s",
        "UPDATE proposals SET valid_until = valid_until + interval '1 day' WHERE id = %s",
        "UPDATE proposals SET policy_version = 99 WHERE id = %s",
        "UPDATE proposals SET state = 'APPROVED' WHERE id = %s",
        "UPDATE proposals SET state = 'APPLIED' WHERE id = %s",
        "UPDATE proposals SET state = 'REJECTED' WHERE id = %s",
        "UPDATE proposals SET state = 'EXPIRED' WHERE id = %s",
    ):
        desk.refused(statement, [made.pk])
    assert desk.one("SELECT state FROM proposals WHERE id = %s", [made.pk])["state"] == "IN_REVIEW"


@pytest.mark.attacks("proposals.*")
def test_an_early_apply_and_a_shortened_timelock(desk: Desk) -> None:
    made = desk.approved(LOOSER)
    desk.refused("UPDATE proposals SET not_before = now() - interval '1 hour' WHERE id = %s", [made.pk])
    desk.refused("UPDATE proposals SET decided_at = now() - interval '2 hours' WHERE id = %s", [made.pk])
    assert "still in its timelock" in desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [made.pk])
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert "no version of its markets names it" in desk.refused(
        "UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [made.pk]
    )
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    for statement in (
        "UPDATE proposals SET state = 'DRAFT' WHERE id = %s",
        "UPDATE proposals SET reason = 'x' WHERE id = %s",
    ):
        desk.refused(statement, [made.pk])


@pytest.mark.attacks("review_policies.*")
def test_policy_without_its_proposal(desk: Desk) -> None:
    insert = (
        "INSERT INTO review_policies (version, body, body_hash, reason, authorised_by, actor_id, actor_name, applied_at)"
        " SELECT version + %s, body, body_hash, 'x', %s, 'x', 'x', now() FROM review_policies"
    )
    assert "changes only by an approved proposal" in desk.refused(insert, [1, "genesis"])
    assert "follow each other" in desk.refused(insert, [5, "genesis"])
    other = desk.draft(LOOSER)
    assert "explains no change of policy" in desk.refused(insert, [1, f"proposal:{other.pk}"])
    desk.refused("UPDATE review_policies SET body = '{}'")
    desk.refused("DELETE FROM review_policies")


@pytest.mark.attacks("role_grants.*", "users_groups.*", "users.username")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users_groups (user_id, group_id) SELECT u.id, g.id FROM users u, auth_group g"
        " WHERE u.username = 'olga' AND g.name = 'approver'",
        "UPDATE users_groups SET group_id = (SELECT id FROM auth_group WHERE name = 'approver')",
        "INSERT INTO role_grants (user_id, role, granted_at, authorised_by, revoked_by_name, reason)"
        " SELECT id, 'approver', now(), 'genesis', '', 'x' FROM users WHERE username = 'olga'",
        "UPDATE role_grants SET role = 'approver' WHERE role = 'operator'",
        "UPDATE role_grants SET user_id = (SELECT id FROM users WHERE username = 'olga') WHERE role = 'approver'",
        "DELETE FROM role_grants",
        "UPDATE auth_group SET name = 'approver' WHERE name = 'operator'",
        "INSERT INTO auth_group (name) VALUES ('other')",
        "UPDATE users SET username = 'anna2' WHERE username = 'anna'",
        "DELETE FROM users",
    ],
)
def test_roles_without_their_proposal(desk: Desk, statement: str) -> None:
    before = desk.one(
        "SELECT count(*) AS n FROM users_groups m JOIN auth_group g ON g.id = m.group_id WHERE g.name = 'approver'"
    )
    desk.refused(statement)
    after = desk.one(
        "SELECT count(*) AS n FROM users_groups m JOIN auth_group g ON g.id = m.group_id WHERE g.name = 'approver'"
    )
    assert before == after


@pytest.mark.attacks(
    "users.credentials_changed_at",
    "users.roles_changed_at",
    "users.activated_at",
    "users.date_joined",
    "users.password",
    "users.is_active",
    "users.is_staff",
    "users.is_superuser",
)
def test_people_made_reset_or_opened_after_the_proposal(desk: Desk) -> None:
    made = desk.in_review(LOOSER)
    desk.app.execute("UPDATE users SET password = 'stolen', credentials_changed_at = NULL WHERE username = 'anna'")
    assert "may not vote" in desk.refused(VOTE, ballot(made, "anna"))
    desk.app.execute(
        "UPDATE users SET credentials_changed_at = NULL, date_joined = '2020-01-01' WHERE username = 'anna'"
    )
    assert "may not vote" in desk.refused(VOTE, ballot(made, "anna"))
    desk.close("boris")
    assert "opened by an approved proposal" in desk.refused(
        "UPDATE users SET is_active = true WHERE username = 'boris'"
    )
    desk.app.execute(
        "INSERT INTO users (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)"
        " VALUES ('x', true, 'zoe', '', '', '', true, true, '2020-01-01')"
    )
    assert "may not vote" in desk.refused(VOTE, ballot(made, "zoe"))
    desk.app.execute(
        "UPDATE users SET is_superuser = true, is_staff = true, roles_changed_at = NULL WHERE username = 'adam'"
    )
    assert "may not vote" in desk.refused(VOTE, ballot(made, "adam"))
