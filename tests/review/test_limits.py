"""Limits of asset and desk: lowered at once by one, raised by two others after a timelock, kept in versions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.desk.review.preview import shown_preview
from governance.desk.review.words import risk_reason
from governance.models import Proposal
from governance.review.drafting import propose
from governance.review.risk import assess_limits
from governance.review.selectors import proposals
from governance.review.story import proposal_story
from tests.review.desk import CEX, DEX, T0, Desk, failure, refused, state
from tests.review.test_at_once import together
from trading.models import Event, ExposureLimit
from trading.parameters.limits import shared_limits
from trading.quoting.governed import load_rules

# The demonstration: 40,000 and 50,000 DCT; 18,000 and 25,000 USDT for the desk; no limit of USDT itself.
LOWER = {"limits": {"asset:dct": {"soft_limit": "30000"}}}
HIGHER = {"limits": {"asset:dct": {"hard_limit": "60000"}}}
NEW = {"limits": {"asset:usdt": {"soft_limit": "10", "hard_limit": "20.5"}}}
NONE = {"limits": {"desk:usdt": {"soft_limit": "none", "hard_limit": "none"}}}


def limits(part: str, **values: Any) -> dict[str, Any]:
    return {"limits": {part: values}}


def in_force(part: str) -> tuple[int, str, str]:
    scope, _, key = part.partition(":")
    row = ExposureLimit.objects.get(scope=scope, key=key)
    both = [f"{one.normalize():f}" if one is not None else "none" for one in (row.soft_limit, row.hard_limit)]
    return row.version, both[0], both[1]


NOT_AT_THE_DOOR: tuple[tuple[Any, str], ...] = (
    (limits("asset:dct", hard_limit="NaN"), "invalid"),
    (limits("asset:dct", hard_limit="Infinity"), "invalid"),
    (limits("asset:dct", hard_limit="-1"), "invalid"),
    (limits("asset:dct", hard_limit="5e9"), "invalid"),
    (limits("asset:dct", hard_limit="1_000"), "invalid"),
    (limits("asset:dct", hard_limit="٦٠٠٠٠"), "invalid"),
    (limits("asset:dct", hard_limit="60000 DCT"), "invalid"),
    (limits("asset:dct", hard_limit=" 60000"), "invalid"),
    (limits("asset:dct", hard_limit=60000), "invalid"),
    (limits("asset:dct", hard_limit=None), "invalid"),
    (limits("asset:dct", hard_limit="1000000000001"), "invalid"),
    (limits("asset:dct", hard_limit="0.0000000000000000001"), "invalid"),
    (limits("asset:dct", soft_limit="0"), "invalid"),
    (limits("asset:dct", hard_limit="39999"), "invalid"),  # below the soft limit
    (limits("asset:dct", soft_limit="50001"), "invalid"),  # above the hard one
    (limits("asset:dct", hard_limit="none"), "invalid"),  # one alone
    (limits("asset:usdt", hard_limit="5"), "invalid"),
    (limits("asset:dct", soft_limit="40000.0"), "no_change"),
    (limits("asset:usdt", soft_limit="none", hard_limit="none"), "no_change"),
    (limits("asset:nothing", soft_limit="1", hard_limit="2"), "unknown_limit"),
    (limits("market:dct-usdt-dex", hard_limit="2"), "unknown_limit"),
    (limits("asset:d\x00ct", hard_limit="2"), "unknown_limit"),
    (limits("dct", hard_limit="2"), "unknown_limit"),
    (limits("asset:dct", version="7"), "bad_change"),
    (limits("asset:dct"), "no_change"),
    ({"limits": {"asset:dct": [["hard_limit", "1"]]}}, "bad_change"),
    ({"limits": {1: {"hard_limit": "1"}}}, "bad_change"),
    ({"limits": {}}, "bad_change"),
    ({"limits": LOWER["limits"], "authorised_by": "genesis"}, "bad_change"),
    (None, "bad_change"),
)


def test_what_can_be_no_limit_is_refused_at_the_door(desk: Desk) -> None:
    for change, code in NOT_AT_THE_DOOR:
        refused(code, desk.propose, change, kind="limits")
    assert not Proposal.objects.exists()


def test_one_operator_lowers_at_once(desk: Desk) -> None:
    made = desk.propose(LOWER, kind="limits", apply_at_once=True)
    assert (made.state, made.risk_class, made.subject) == ("APPLIED", "reducing", "limits:asset:dct")
    assert made.review_due_at == T0 + timedelta(hours=24)
    assert in_force("asset:dct") == (2, "30000", "50000")
    kept = ExposureLimit.history.filter(key="dct").order_by("version").values_list("version", "authorised_by")
    assert list(kept) == [(1, "genesis"), (2, f"proposal:{made.pk}")]
    told = Event.objects.get(type="limit.applied")
    assert told.payload["changed"] == {"soft_limit": {"from": "40000", "to": "30000"}}
    # What a worker reads before its next cycle.
    assert load_rules().assets["dct"].soft == 30000


def test_a_limit_where_none_stood_is_set_at_once(desk: Desk) -> None:
    made = desk.propose(NEW, kind="limits", apply_at_once=True)
    assert (made.state, in_force("asset:usdt")) == ("APPLIED", (1, "10", "20.5"))
    assert made.base == {"asset:usdt": {"version": 0, "hash": made.base["asset:usdt"]["hash"]}}


@pytest.mark.parametrize(
    "change",
    [
        HIGHER,
        NONE,
        limits("asset:dct", soft_limit="30000", hard_limit="50000.000000000000000001"),
        {"limits": LOWER["limits"] | limits("asset:eth", hard_limit="5.1")["limits"]},
    ],
)
def test_nothing_wider_is_done_by_one(desk: Desk, change: dict[str, Any]) -> None:
    refused("needs_review", desk.propose, change, kind="limits", apply_at_once=True)
    made = desk.propose(change, kind="limits")
    assert (made.risk_class, made.required["quorum"], made.required["timelock_s"]) == ("increasing", 2, 3600)
    assert in_force("asset:dct") == (1, "40000", "50000")


def test_raising_takes_two_others_and_an_hour(desk: Desk) -> None:
    made = desk.approved(HIGHER, kind="limits")
    refused("too_early", desk.apply, made)
    desk.forward(hours=1)
    assert desk.apply(made).state == "APPLIED"
    assert in_force("asset:dct") == (2, "40000", "60000")


def test_taking_the_desk_s_limit_away_and_back_again(desk: Desk) -> None:
    desk.forward(days=7)
    assert desk.applied(NONE, kind="limits").state == "APPLIED"
    assert (in_force("desk:usdt"), shared_limits()[1]) == ((2, "none", "none"), None)
    back = desk.roll_back("desk:usdt", 1)
    assert (back.kind, back.rolls_back_to, back.title) == ("limits", "desk:usdt@1", "Back to desk:usdt@1")
    assert back.change == limits("desk:usdt", soft_limit="18000", hard_limit="25000")
    assert desk.apply_at_once(back).state == "APPLIED", "a limit again is the safer way"
    assert in_force("desk:usdt") == (3, "18000", "25000")
    refused("no_change", desk.roll_back, "desk:usdt", 1)
    refused("unknown_version", desk.roll_back, "desk:usdt", 9)
    refused("unknown_version", desk.roll_back, "desk:nothing", 1)


def test_the_preview_says_what_may_be_held_in_money(desk: Desk) -> None:
    """Markets of DCT reach less together than the limit allows: what they reach is what counts until the limit is below it."""
    made = desk.in_review(limits("asset:dct", soft_limit="1", hard_limit="50001"), kind="limits")
    body = proposal_story(made.pk, desk.now).preview
    assert body is not None
    shown = shown_preview(body.body)
    assert [one.scope for one in shown.money] == ["asset:dct", "desk"]
    assert [(row.market, row.then, row.now, row.proposed) for row in shown.drift] == [
        ("asset:dct", "40000", "40000", "1"),
        ("asset:dct", "50000", "50000", "50001"),
    ]
    rows = [(row.name, row.unit, row.before, row.after, row.code) for row in proposal_story(made.pk, desk.now).diff]
    assert rows == [
        ("soft_limit", "DCT", "40000", "1", "safer"),
        ("hard_limit", "DCT", "50000", "50001", "riskier"),
    ]
    assert risk_reason("asset:dct:hard_limit:riskier") == "asset:dct: “hard limit” moves its riskier way"


def test_two_proposals_of_one_limit_at_the_same_moment(committed_desk: Desk) -> None:
    desk = committed_desk
    changes = [limits("asset:dct", soft_limit=soft) for soft in ("30000", "20000")]

    def call(number: int) -> Any:
        person = desk.people["opal" if number else "oscar"]
        more: dict[str, Any] = {"key": f"k{number}", "now": desk.now, "apply_at_once": True}
        return lambda: propose(person, "limits", None, changes[number], "lower", **more)

    done = together(call(0), call(1))
    assert done.count("done") in (1, 2) and set(done) <= {"done", "stale", "needs_review", "database_refused"}
    versions = list(ExposureLimit.history.filter(key="dct").order_by("version").values_list("version", flat=True))
    assert versions == list(range(1, 2 + done.count("done")))
    assert in_force("asset:dct")[0] == versions[-1]


def test_whichever_is_applied_first_makes_the_other_fail(desk: Desk) -> None:
    first, second = (
        desk.approved(HIGHER, kind="limits"),
        desk.approved(limits("asset:dct", hard_limit="70000"), kind="limits"),
    )
    desk.forward(hours=1)
    desk.apply(first)
    assert desk.apply(second).state == "FAILED"
    assert (failure(second), in_force("asset:dct")) == ("stale", (2, "40000", "60000"))


def test_a_lowering_that_became_a_raise_is_not_applied_at_once(desk: Desk) -> None:
    draft = desk.propose(LOWER, kind="limits")
    desk.propose(limits("asset:dct", soft_limit="20000"), kind="limits", apply_at_once=True)
    refused("needs_review", desk.apply_at_once, draft)


def test_while_its_review_is_overdue_nothing_of_its_markets_is_loosened(desk: Desk) -> None:
    approved = desk.approved(HIGHER, kind="limits")
    other = desk.in_review({"markets": {CEX: {"spread_floor_bps": "7"}}})
    mine = desk.in_review({"markets": {DEX: {"spread_floor_bps": "4"}}})
    lowered = desk.propose(limits("asset:dct", soft_limit="39999"), kind="limits", apply_at_once=True)
    desk.forward(hours=24)
    refused("review_overdue", desk.vote, mine, "anna")
    assert desk.vote(other, "anna").state == "IN_REVIEW", "of another asset"
    refused("review_overdue", desk.apply, approved)
    assert state(approved) == "APPROVED"
    desk.review(lowered, "cara")
    assert desk.vote(mine, "anna").state == "IN_REVIEW"


@pytest.mark.parametrize(
    ("raw", "base", "week", "expected"),
    [
        ("101", "100", "100", ("increasing", "riskier")),
        ("99", "100", "100", ("reducing", "safer")),
        ("99", "100", "50", ("reducing", "still_wider")),
        ("100", "100", "50", ("reducing", "unchanged")),
        ("none", "100", "100", ("increasing", "riskier")),
        ("100", None, None, ("reducing", "safer")),
        ("100", None, "50", ("reducing", "still_wider")),
        ("NaN", "100", "100", ("strictest", "not_a_number")),
        (5.0, "100", "100", ("strictest", "not_a_number")),
    ],
)
def test_a_move_of_a_limit(raw: Any, base: Any, week: Any, expected: tuple[str, str]) -> None:
    from decimal import Decimal

    def known(text: str | None) -> dict[str, dict[str, Decimal | None]]:
        return {"asset:x": {"hard_limit": None if text is None else Decimal(text)}}

    found = assess_limits({"limits": {"asset:x": {"hard_limit": raw}}}, known(base), known(week))
    assert (found.risk_class, found.reasons[0].rpartition(":")[2]) == expected


@pytest.mark.parametrize(
    "change", [{}, {"limits": {}}, {"limits": {"asset:y": {"hard_limit": "1"}}}, {"limits": {"asset:x": 1}}]
)
def test_what_is_not_understood_of_limits_is_the_strictest(change: dict[str, Any]) -> None:
    assert assess_limits(change, {"asset:x": {}}, {"asset:x": {}}).risk_class == "strictest"


def test_lists_show_it(desk: Desk) -> None:
    made = desk.propose(LOWER, kind="limits")
    assert [line.id for line in proposals(kind="limits")] == [made.pk]
