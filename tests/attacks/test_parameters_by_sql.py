"""Governed parameters attacked in SQL with the application's own password: every way round a review is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import LiteralString

import pytest

from governance.review.applying import apply
from tests.attacks.desk import SLUG, TIMELOCK, Desk
from trading.models import Market, ParameterSet
from trading.parameters.services import apply_version, current_values

LOOSER = {"markets": {SLUG: {"spread_floor_bps": "1"}}}
SAFER = {"markets": {SLUG: {"spread_floor_bps": "9"}}}
UPDATE = (
    "UPDATE parameter_sets SET spread_floor_bps = %s, version = version + 1, authorised_by = %s"
    " WHERE market_id = (SELECT id FROM markets WHERE slug = 'dct-usdt-dex')"
)


def test_the_legitimate_way_is_open(desk: Desk) -> None:
    """Without it, every refusal below would prove nothing."""
    made = desk.approved(LOOSER)
    assert made.state == "APPROVED"
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    desk.app.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit asks
    row = ParameterSet.objects.get(market__slug=SLUG)
    assert (row.version, str(row.spread_floor_bps.normalize()), row.authorised_by) == (2, "1", f"proposal:{made.pk}")


@pytest.mark.attacks("parameter_sets.*")
@pytest.mark.parametrize(
    "authority", ["", "genesis", "proposal:", "proposal:999", "proposal:1; DROP TABLE votes", "me"]
)
def test_without_a_proposal(desk: Desk, authority: str) -> None:
    assert (
        "changes only by an approved proposal" in (told := desk.refused(UPDATE, ["1", authority]))
        or "explains no" in told
    )
    assert desk.version() == 1


@pytest.mark.attacks("parameter_sets.*")
def test_with_a_draft_or_one_in_review(desk: Desk) -> None:
    draft = desk.draft(LOOSER)
    assert "not approved" in desk.refused(UPDATE, ["1", f"proposal:{draft.pk}"])
    in_review = desk.in_review(LOOSER)
    assert "not approved" in desk.refused(UPDATE, ["1", f"proposal:{in_review.pk}"])
    desk.vote(in_review, "anna")
    assert "not approved" in desk.refused(UPDATE, ["1", f"proposal:{in_review.pk}"])


@pytest.mark.attacks("parameter_sets.*")
def test_before_the_timelock_and_after_the_validity(desk: Desk) -> None:
    made = desk.approved(LOOSER)
    assert "still in its timelock" in desk.refused(UPDATE, ["1", f"proposal:{made.pk}"])
    desk.travel(TIMELOCK - timedelta(seconds=30))
    assert "still in its timelock" in desk.refused(UPDATE, ["1", f"proposal:{made.pk}"])
    desk.travel(timedelta(days=2))
    assert "no longer valid" in desk.refused(UPDATE, ["1", f"proposal:{made.pk}"])


@pytest.mark.attacks("parameter_sets.*")
def test_with_other_values_or_more_of_them(desk: Desk) -> None:
    made = desk.approved(LOOSER)
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert "says another spread_floor_bps" in desk.refused(UPDATE, ["0.5", f"proposal:{made.pk}"])
    more = UPDATE.replace("SET ", "SET order_size_lots = order_size_lots + 1, ")
    assert "says another order_size_lots" in desk.refused(more, ["1", f"proposal:{made.pk}"])


@pytest.mark.attacks("parameter_sets.*")
def test_a_proposal_applies_once(desk: Desk) -> None:
    made = desk.approved(LOOSER)
    desk.travel(TIMELOCK + timedelta(seconds=5))
    apply(made.pk, now=desk.now())
    back = desk.draft(SAFER)
    from governance.review.applying import apply_at_once

    apply_at_once(desk.people["olga"], back.pk, key="back", now=desk.now())
    assert "is about another version" in desk.refused(UPDATE, ["1", f"proposal:{made.pk}"])


@pytest.mark.attacks("proposals.state", "parameter_sets.*")
def test_one_market_of_two_applied_and_called_applied(desk: Desk) -> None:
    made = desk.approved({"markets": {SLUG: {"spread_floor_bps": "1"}, "gram-usdt-cex": {"beta": "0.5"}}})
    desk.travel(TIMELOCK + timedelta(seconds=5))
    market = Market.objects.get(slug=SLUG)
    one = current_values(ParameterSet.objects.get(market=market)) | {"spread_floor_bps": "1"}
    apply_version(
        market, one, authorised_by=f"proposal:{made.pk}", actor_id="x", actor_name="x", reason="x", now=desk.now()
    )
    desk.app.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the one version stands as it should
    desk.app.execute("SET CONSTRAINTS ALL DEFERRED")
    assert "no version of its markets names it" in desk.refused(
        "UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [made.pk]
    )


@pytest.mark.attacks("parameter_sets.*")
def test_on_another_market(desk: Desk) -> None:
    made = desk.approved(LOOSER)
    desk.travel(TIMELOCK + timedelta(seconds=5))
    told = desk.refused(UPDATE.replace("dct-usdt-dex", "gram-usdt-cex"), ["1", f"proposal:{made.pk}"])
    assert "is about another version of gram-usdt-cex" in told


@pytest.mark.attacks("parameter_sets.*")
@pytest.mark.parametrize(
    "taking",
    [
        "UPDATE users SET password = 'x' WHERE username = 'anna'",
        "UPDATE role_grants SET revoked_at = now(), revoked_by_name = 'x' WHERE role = 'approver'",
    ],
)
def test_an_approver_who_was_reset_or_lost_the_role_counts_no_more(desk: Desk, taking: LiteralString) -> None:
    made = desk.approved(LOOSER)
    desk.travel(TIMELOCK + timedelta(seconds=5))
    desk.app.execute(taking)  # tightening: the database lets it happen
    assert "approvals that count" in desk.refused(UPDATE, ["1", f"proposal:{made.pk}"])
    assert apply(made.pk, now=desk.now()).state == "FAILED"


@pytest.mark.attacks("parameter_sets.*")
def test_a_reducing_change_needs_its_proposal_and_its_values(desk: Desk) -> None:
    assert "changes only by" in desk.refused(UPDATE, ["9", "me"])
    draft = desk.draft(SAFER)
    assert "says another" in desk.refused(UPDATE, ["10", f"proposal:{draft.pk}"])
    # Right in every value, but without the row of the history.
    assert "is not in the history" in desk.refused(UPDATE, ["9", f"proposal:{draft.pk}"])


@pytest.mark.attacks("parameter_sets.*")
def test_looser_called_reducing(desk: Desk) -> None:
    """What a proposal calls itself is not believed: the rows are judged."""
    draft = desk.draft(LOOSER)
    assert "content changes only" in desk.refused(
        "UPDATE proposals SET risk_class = 'reducing' WHERE id = %s", [draft.pk]
    )
    desk.app.execute("UPDATE proposals SET risk_class = 'reducing', revision = revision + 1 WHERE id = %s", [draft.pk])
    assert "not approved" in desk.refused(UPDATE, ["1", f"proposal:{draft.pk}"])
    assert "no version of its markets names it" in desk.refused(
        "UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [draft.pk]
    )


@pytest.mark.attacks("parameter_sets.*", "parameter_sets_history.*", "risk_directions.*", "governance_genesis.*")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM parameter_sets",
        "TRUNCATE parameter_sets",
        "UPDATE parameter_sets SET version = version + 2",
        "UPDATE parameter_sets SET values_hash = 'x'",
        "UPDATE parameter_sets SET reason = 'another'",
        "INSERT INTO parameter_sets SELECT * FROM parameter_sets",
        "UPDATE parameter_sets_history SET reason = 'another'",
        "DELETE FROM parameter_sets_history",
        "TRUNCATE parameter_sets_history",
        "INSERT INTO parameter_sets_history SELECT * FROM parameter_sets_history",
        "ALTER TABLE parameter_sets DISABLE TRIGGER parameter_sets_guard",
        "DROP TRIGGER parameter_sets_guard ON parameter_sets",
        "SET session_replication_role = replica",
        "SET ROLE dcmm_owner",
        "SET SESSION AUTHORIZATION dcmm_owner",
        "CREATE OR REPLACE FUNCTION governance.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now() + interval ''1 day'''",
        "CREATE OR REPLACE FUNCTION governance.guard_votes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "CREATE TEMP TABLE proposals (id bigint)",
        "CREATE SCHEMA mine",
        "UPDATE governance_genesis SET is_open = true",
        "INSERT INTO governance_genesis VALUES (2, true)",
        "UPDATE risk_directions SET direction = 'up_is_riskier'",
        "DELETE FROM risk_directions",
        "UPDATE exposure_limits SET hard_limit = hard_limit * 2",
        "DELETE FROM exposure_limits",
        "UPDATE markets SET lot_size = lot_size * 10",
        "UPDATE venue_accounts SET slug = 'another'",
        "DELETE FROM markets",
    ],
)
def test_by_force(desk: Desk, statement: str) -> None:
    desk.refused(statement)
    assert desk.version() == 1
