"""The state machine of an order, as a table: whatever is heard of an order in a state, this is the state it is in then.

Written by hand from SPEC 1.5. A row is a state, a column what is heard; `-` is "no such order is held any more".
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from trading.hot_state.orders import merge_venue_order
from trading.hot_state.values import HotOrder
from trading.models import Order
from trading.orders.outcomes import learn
from trading.orders.records import FINAL_STATUSES
from trading.orders.settle import Looks, _settled, needs_settling
from trading.quoting.inputs import slot_order
from trading.quoting.plan import SlotStatus
from trading.venues.interface import (
    AuthRejected,
    NotSent,
    OrderState,
    OutcomeUnknown,
    OwnOrder,
    QuoteStep,
    RateLimited,
    RejectReason,
    Side,
    StepKind,
    StepOutcome,
    VenueRejected,
)

NOW_NS = 1_800_000_000 * 10**9
DEADLINE_NS = NOW_NS + 2 * 10**9
LATE_NS = DEADLINE_NS + 500_000_001  # the deadline, half a second of clocks, and a nanosecond

ZERO, PRICE, SIZE, NEW_PRICE, NEW_SIZE = Decimal(0), Decimal("0.27"), Decimal(100), Decimal("0.28"), Decimal(150)
BASE = HotOrder(
    client_order_id="m1b0e7c1", venue_order_id="", side="buy", level=0, epoch=7, price=PRICE, size=SIZE, filled=ZERO,
    status="INTENT", deadline_ns=DEADLINE_NS, updated_ns=NOW_NS,
)  # fmt: skip
AMENDING = {"amend_price": NEW_PRICE, "amend_size": NEW_SIZE}
STATES: dict[str, HotOrder] = {
    "INTENT": BASE,
    "UNKNOWN": replace(BASE, status="UNKNOWN"),
    "LIVE": replace(BASE, status="LIVE", venue_order_id="v1"),
    "AMENDING": replace(BASE, status="LIVE", venue_order_id="v1", **AMENDING),
    "AMEND_UNKNOWN": replace(BASE, status="UNKNOWN", venue_order_id="v1", **AMENDING),
    "CANCEL_PENDING": replace(BASE, status="CANCEL_PENDING", venue_order_id="v1"),
    "CANCELLED": replace(BASE, status="CANCELLED", gone_ns=NOW_NS),
    "FILLED": replace(BASE, status="FILLED", filled=SIZE, gone_ns=NOW_NS),
}


def told(state: OrderState, *, price: Decimal = PRICE, size: Decimal = SIZE, filled: Decimal = ZERO) -> OwnOrder:
    return OwnOrder("m", BASE.client_order_id, "v1", Side.BUY, price, size, filled, None, state, NOW_NS)


OPEN, OPEN_MOVED = told(OrderState.OPEN), told(OrderState.OPEN, price=NEW_PRICE, size=NEW_SIZE)
DONE, GONE = told(OrderState.FILLED, filled=SIZE), told(OrderState.CANCELLED)
UNKNOWN, REFUSED = OutcomeUnknown("time-out"), VenueRejected(RejectReason.BAD_PRICE, "")
TWICE = VenueRejected(RejectReason.DUPLICATE_CLIENT_ORDER_ID, "")


def answered(kind: StepKind, order: OwnOrder | None = None, error: Exception | None = None):
    """The answer to our own request came."""

    def hear(state: HotOrder) -> HotOrder | None:
        return learn(StepOutcome(QuoteStep(kind), order, error, 1, 2), state, NOW_NS)(state)

    return hear


def streamed(order: OwnOrder):
    return lambda state: merge_venue_order(state, order, NOW_NS)


def looked(
    found: OwnOrder | None, *, late: bool = False, deadline: bool = True, has_fill: bool = False, looks: int = 1
):
    """The query's answer, `looks` of them five seconds apart; where nothing is settled the order stays what it is."""
    venue = SimpleNamespace(capabilities=SimpleNamespace(deadline=deadline))

    def hear(state: HotOrder) -> HotOrder | None:
        if not needs_settling(state):
            return state
        memory, settled = Looks(), None
        for number in range(looks):
            at_ns = (LATE_NS if late else NOW_NS) + number * 5 * 10**9
            settled = settled or _settled(state, found, has_fill, venue, memory, at_ns)
        return settled or state

    return hear


SUBMIT, AMEND, CANCEL = StepKind.SUBMIT, StepKind.AMEND, StepKind.CANCEL
HEARD = {
    "submit accepted": answered(SUBMIT, OPEN),
    "submit refused": answered(SUBMIT, error=REFUSED),
    "submit refused: key": answered(SUBMIT, error=AuthRejected("")),
    "submit not sent": answered(SUBMIT, error=NotSent("")),
    "submit throttled": answered(SUBMIT, error=RateLimited("")),
    "submit unknown": answered(SUBMIT, error=UNKNOWN),
    "submit: id seen": answered(SUBMIT, error=TWICE),
    "amend accepted": answered(AMEND, OPEN_MOVED),
    "amend refused": answered(AMEND, error=REFUSED),
    "amend not sent": answered(AMEND, error=NotSent("")),
    "amend unknown": answered(AMEND, error=UNKNOWN),
    "cancel accepted": answered(CANCEL, GONE),
    "cancel refused": answered(CANCEL, error=REFUSED),
    "cancel not sent": answered(CANCEL, error=NotSent("")),
    "cancel unknown": answered(CANCEL, error=UNKNOWN),
    "stream: open": streamed(OPEN),
    "stream: open, moved": streamed(OPEN_MOVED),
    "stream: cancelled": streamed(GONE),
    "stream: filled": streamed(DONE),
    "found open": looked(OPEN),
    "found open, late": looked(OPEN, late=True),
    "found filled": looked(DONE),
    "not found": looked(None),
    "not found, late": looked(None, late=True),
    "not found, late, a fill": looked(None, late=True, has_fill=True),
    "no deadlines: two looks": looked(None, late=True, deadline=False, looks=2),
    "no deadlines: three": looked(None, late=True, deadline=False, looks=3),
}
# fmt: off
ORDER = ("INTENT", "UNKNOWN", "LIVE", "AMENDING", "AMEND_UNKNOWN", "CANCEL_PENDING", "CANCELLED", "FILLED")
TABLE: dict[str, tuple[str, ...]] = {
    #                            INTENT       UNKNOWN      LIVE              AMENDING         AMEND_UNKNOWN    CANCEL_PENDING
    "submit accepted":          ("LIVE",      "LIVE",      "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "submit refused":           ("-",         "-",         "UNKNOWN",        "AMEND_UNKNOWN", "AMEND_UNKNOWN", "UNKNOWN"),
    "submit refused: key":      ("-",         "-",         "UNKNOWN",        "AMEND_UNKNOWN", "AMEND_UNKNOWN", "UNKNOWN"),
    "submit not sent":          ("-",         "-",         "UNKNOWN",        "AMEND_UNKNOWN", "AMEND_UNKNOWN", "UNKNOWN"),
    "submit throttled":         ("-",         "-",         "UNKNOWN",        "AMEND_UNKNOWN", "AMEND_UNKNOWN", "UNKNOWN"),
    "submit unknown":           ("UNKNOWN",   "UNKNOWN",   "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "submit: id seen":          ("UNKNOWN",   "UNKNOWN",   "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "amend accepted":           ("LIVE",      "LIVE",      "LIVE",           "LIVE",          "LIVE",          "CANCEL_PENDING"),
    "amend refused":            ("UNKNOWN",   "UNKNOWN",   "UNKNOWN",        "UNKNOWN",       "UNKNOWN",       "UNKNOWN"),
    "amend not sent":           ("INTENT",    "UNKNOWN",   "LIVE",           "LIVE",          "UNKNOWN",       "CANCEL_PENDING"),
    "amend unknown":            ("UNKNOWN",   "UNKNOWN",   "UNKNOWN",        "AMEND_UNKNOWN", "AMEND_UNKNOWN", "UNKNOWN"),
    "cancel accepted":          ("CANCELLED", "CANCELLED", "CANCELLED",      "CANCELLED",     "CANCELLED",     "CANCELLED"),
    "cancel refused":           ("UNKNOWN",   "UNKNOWN",   "UNKNOWN",        "AMEND_UNKNOWN", "AMEND_UNKNOWN", "UNKNOWN"),
    "cancel not sent":          ("INTENT",    "UNKNOWN",   "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "cancel unknown":           ("CANCEL_PENDING",) * 3 + ("CANCEL_AMENDING",) * 2 + ("CANCEL_PENDING",),
    "stream: open":             ("LIVE",      "LIVE",      "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "stream: open, moved":      ("LIVE",      "LIVE",      "LIVE",           "LIVE",          "LIVE",          "CANCEL_PENDING"),
    "stream: cancelled":        ("CANCELLED", "CANCELLED", "CANCELLED",      "CANCELLED",     "CANCELLED",     "CANCELLED"),
    "stream: filled":           ("FILLED",    "FILLED",    "FILLED",         "FILLED",        "FILLED",        "FILLED"),
    "found open":               ("LIVE",      "LIVE",      "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "LIVE"),
    "found open, late":         ("LIVE",      "LIVE",      "LIVE",           "LIVE",          "LIVE",          "LIVE"),
    "found filled":             ("FILLED",    "FILLED",    "LIVE",           "FILLED",        "FILLED",        "FILLED"),
    "not found":                ("INTENT",    "UNKNOWN",   "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "not found, late":          ("CANCELLED", "CANCELLED", "LIVE",           "CANCELLED",     "CANCELLED",     "CANCELLED"),
    "not found, late, a fill":  ("INTENT",    "UNKNOWN",   "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "no deadlines: two looks":  ("INTENT",    "UNKNOWN",   "LIVE",           "AMENDING",      "AMEND_UNKNOWN", "CANCEL_PENDING"),
    "no deadlines: three":      ("CANCELLED", "CANCELLED", "LIVE",           "CANCELLED",     "CANCELLED",     "CANCELLED"),
}
# fmt: on


def name_of(order: HotOrder | None) -> str:
    if order is None:
        return "-"
    if order.amend_price is None:
        return order.status
    return {"LIVE": "AMENDING", "UNKNOWN": "AMEND_UNKNOWN", "CANCEL_PENDING": "CANCEL_AMENDING"}[order.status]


@pytest.mark.parametrize("heard", list(HEARD))
def test_what_is_heard_leads_where_the_table_says(heard: str) -> None:
    reached = tuple(name_of(HEARD[heard](STATES[state])) for state in ORDER[:6])
    assert dict(zip(ORDER, reached, strict=False)) == dict(zip(ORDER, TABLE[heard], strict=False))


@pytest.mark.parametrize("heard", list(HEARD))
@pytest.mark.parametrize("state", ["CANCELLED", "FILLED"])
def test_a_done_order_stays_done_whatever_is_heard(heard: str, state: str) -> None:
    reached = HEARD[heard](STATES[state])
    assert name_of(reached) == state


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(HEARD)
    assert {len(row) for row in TABLE.values()} == {6}
    statuses = {state.status for state in STATES.values()}
    assert statuses | {"REJECTED", "NOT_SENT"} == {status.value for status in Order.Status}
    assert sorted(FINAL_STATUSES) == ["CANCELLED", "FILLED", "NOT_SENT", "REJECTED"]


@pytest.mark.parametrize(
    ("state", "slot", "counts"),
    [
        ("INTENT", SlotStatus.IN_FLIGHT, 100),
        ("UNKNOWN", SlotStatus.IN_FLIGHT, 100),
        ("LIVE", SlotStatus.LIVE, 100),
        ("AMENDING", SlotStatus.IN_FLIGHT, 150),
        ("AMEND_UNKNOWN", SlotStatus.IN_FLIGHT, 150),
        ("CANCEL_PENDING", SlotStatus.CANCEL_PENDING, 100),
    ],
)
def test_what_is_in_doubt_blocks_its_slot_and_counts_in_full(state: str, slot: SlotStatus, counts: int) -> None:
    """An unknown amend counts the larger size, an unknown cancel as live."""
    found = slot_order(STATES[state], 7)
    assert (found.status, found.quantity) == (slot, counts)
    smaller = slot_order(replace(STATES[state], amend_price=NEW_PRICE, amend_size=Decimal(50)), 7)
    assert smaller.quantity == 100
