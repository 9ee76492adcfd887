"""What the public sees, attacked in SQL with the application's own password: nothing gets finer or sooner without a review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from disclosures.models import PublicationPolicy
from governance.review.applying import apply, apply_at_once
from tests.attacks.desk import TIMELOCK, Desk, refusal

FINER = {"delay_s": "5"}
COARSER = {"delay_s": "600"}
INSERT = (
    "INSERT INTO publication_policies (version, delay_s, inventory_step_share, pnl_granularity_days, quote_granularity_s,"
    " reason, authorised_by, actor_id, actor_name, applied_at) VALUES (%s, %s, %s, %s, %s, 'r', %s, '1', 'olga', now())"
)
pytestmark = pytest.mark.attacks("publication_policies.*")


def values(
    version: int = 2, delay: Any = 5, step: Any = "0.05", days: int = 1, quotes: int = 0, by: Any = ""
) -> list[Any]:
    return [version, delay, step, days, quotes, by]


def test_the_legitimate_way_is_open(desk: Desk) -> None:
    """Without it, every refusal below would prove nothing."""
    made = desk.approved(FINER, "publication", "carl")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    assert PublicationPolicy.objects.get(version=2).delay_s == 5
    later = desk.draft(COARSER, "publication", "carl")
    assert apply_at_once(desk.people["carl"], later.pk, key="later", now=desk.now()).state == "APPLIED"
    assert PublicationPolicy.objects.get(version=3).delay_s == 600


def test_without_an_approved_proposal_or_before_its_time(desk: Desk) -> None:
    for authority in ("", "genesis", "proposal:999", "me"):
        told = desk.refused(INSERT, values(by=authority))
        assert "changes only by an approved proposal" in told or "explains no change" in told
    draft = desk.draft(FINER, "publication", "carl")
    assert "not approved" in desk.refused(INSERT, values(by=f"proposal:{draft.pk}"))
    other = desk.draft({"markets": {"dct-usdt-dex": {"spread_floor_bps": "9"}}})
    assert "explains no change of publication" in desk.refused(INSERT, values(by=f"proposal:{other.pk}"))
    made = desk.approved(FINER, "publication", "carl")
    assert "still in its timelock" in desk.refused(INSERT, values(by=f"proposal:{made.pk}"))
    desk.travel(TIMELOCK + timedelta(seconds=5))
    authority = f"proposal:{made.pk}"
    assert "says another delay_s" in desk.refused(INSERT, values(delay=4, by=authority))
    assert "says another inventory_step_share" in desk.refused(INSERT, values(step="0.04", by=authority))
    assert "says another quote_granularity_s" in desk.refused(INSERT, values(quotes=60, by=authority))
    assert "says another pnl_granularity_days" in desk.refused(INSERT, values(days=2, by=authority))
    assert "only as its next version" in desk.refused(INSERT, values(version=3, by=authority))
    desk.travel(timedelta(days=2))
    assert "no longer valid" in desk.refused(INSERT, values(by=authority))


def test_finer_called_reducing_and_a_proposal_used_twice(desk: Desk) -> None:
    """The class is judged from the rows: a draft whose own record says reducing opens nothing."""
    draft = desk.draft(COARSER, "publication", "carl")
    change = 'UPDATE proposals SET change = \'{"delay_s": "5"}\', revision = revision + 1 WHERE id = %s'
    desk.app.execute(change, [draft.pk])
    assert "not approved" in desk.refused(INSERT, values(by=f"proposal:{draft.pk}"))
    applied = desk.draft(COARSER, "publication", "carl")
    apply_at_once(desk.people["carl"], applied.pk, key="later", now=desk.now())
    assert "another version" in desk.refused(INSERT, values(version=3, delay=600, by=f"proposal:{applied.pk}"))


def test_versions_stay_as_they_are(desk: Desk) -> None:
    # The application has no right to either; the owner's own slips meet the guard.
    for statement in (
        "UPDATE publication_policies SET delay_s = 0",
        "DELETE FROM publication_policies",
        "TRUNCATE publication_policies",
    ):
        assert "permission denied" in desk.refused(statement)
        with pytest.raises(Exception, match=r"never changed or deleted|only grows"), desk.owner.transaction():
            desk.owner.execute(statement)
    assert PublicationPolicy.objects.count() == 1


def test_a_proposal_that_says_applied_has_a_version(desk: Desk) -> None:
    made = desk.approved(FINER, "publication", "carl")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    told = desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [made.pk])
    assert "no publication policy names it" in told


def test_another_role_proposes_nothing(desk: Desk) -> None:
    for name in ("olga", "anna"):
        assert refusal(lambda name=name: desk.draft(FINER, "publication", name)) == "no_role"
