"""From a venue's answer to what an order is now. What may have happened is never read as what did not."""

from __future__ import annotations

from dataclasses import replace

from trading.hot_state.orders import Merge, merge_venue_order
from trading.hot_state.values import HotOrder
from trading.venues.interface import (
    AuthRejected,
    NotSent,
    OwnOrder,
    RateLimited,
    RejectReason,
    StepKind,
    StepOutcome,
    VenueError,
    VenueRejected,
)


def outcome_word(error: VenueError | None) -> str:
    """accepted, rejected, rate_limited, not_sent or unknown: whatever is not known to be definitive is unknown."""
    if error is None:
        return "accepted"
    if isinstance(error, VenueRejected) and error.reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID:
        return "unknown"  # an order of this id exists at the venue: it must be looked for, not forgotten
    if isinstance(error, VenueRejected | AuthRejected):
        return "rejected"
    if isinstance(error, RateLimited):
        return "rate_limited"
    if isinstance(error, NotSent):
        return "not_sent"
    return "unknown"


def learn(outcome: StepOutcome, under_way: HotOrder, now_ns: int) -> Merge:
    """How the hot order changes by this outcome; the own-order stream may have changed it meanwhile."""
    word = outcome_word(outcome.error)
    told = outcome.order
    if word == "accepted" and told is not None:
        return lambda current: _accepted(current or under_way, told, outcome.step.kind, now_ns)
    return lambda current: _failed(current, under_way, outcome.step.kind, word)


def _failed(current: HotOrder | None, under_way: HotOrder, kind: StepKind, word: str) -> HotOrder | None:
    if current is None:
        return _lost(under_way, kind, word)
    if current.gone_ns:
        return current
    change = {StepKind.SUBMIT: _submit_failed, StepKind.AMEND: _amend_failed, StepKind.CANCEL: _cancel_failed}[kind]
    return change(current, word)


def _lost(under_way: HotOrder, kind: StepKind, word: str) -> HotOrder | None:
    """The hot state lost the order while its request was under way: unless it surely never came to be, it is looked for."""
    if kind is StepKind.SUBMIT and word != "unknown":
        return None
    return replace(under_way, status="UNKNOWN")


def _accepted(current: HotOrder, told: OwnOrder, kind: StepKind, now_ns: int) -> HotOrder | None:
    if kind is StepKind.AMEND and current.amend_price is not None and not current.gone_ns:
        # The answer to the amend itself is newer than anything the stream may have told of the order before.
        current = replace(current, price=told.price, size=told.size, amend_price=None, amend_size=None, status="LIVE")
    return merge_venue_order(current, told, now_ns)


def _submit_failed(current: HotOrder, word: str) -> HotOrder | None:
    if current.status in ("INTENT", "UNKNOWN") and not current.venue_order_id:
        return replace(current, status="UNKNOWN") if word == "unknown" else None
    # The venue has shown the order meanwhile: an answer that denies it is looked into, not believed.
    return current if word == "unknown" else replace(current, status="UNKNOWN")


def _amend_failed(current: HotOrder, word: str) -> HotOrder:
    if word in ("not_sent", "rate_limited"):
        return replace(current, amend_price=None, amend_size=None)
    if word == "unknown":
        return replace(current, status="UNKNOWN")
    # Refused: it may be done, or some venues cancel what they could not amend. It is looked up before its slot is used.
    return replace(current, status="UNKNOWN", amend_price=None, amend_size=None)


def _cancel_failed(current: HotOrder, word: str) -> HotOrder:
    if word in ("not_sent", "rate_limited"):
        return current
    return replace(current, status="CANCEL_PENDING" if word == "unknown" else "UNKNOWN")
