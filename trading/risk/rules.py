"""Risk rules of one market's cycle, a function each, and all of them together.

A rule returns None when it is satisfied. A rule that can't be checked has fired: unknown is never fine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from trading.risk.breakers import BreakerConditions, assess_breakers
from trading.risk.exposure import SharedLimit
from trading.risk.states import TradingState, effective_state
from trading.risk.verdict import ReasonCode, Release, Rule, Verdict

# Of the room for fills that wait for the database: from here on no exposure is added, from there on nothing rests.
INBOX_REDUCING_AT = 0.8
INBOX_PAUSED_AT = 1.0


@dataclass(frozen=True, slots=True)
class MarketConditions:
    """What the rules look at. Ages in s since the last proof of life; best prices of the whole book, own orders
    included; `q_lots` from target; None means unknown or absent. Limits as in the parameter schema.

    `asset_base` is the inventory of all markets of the asset, base units from target, `desk_quote` that of the desk in quote
    units (open orders not included; longs and shorts do not net); their limits are None where none is set. `breakers`: None
    only in decisions from before there were any. `inbox_fraction`: how much of the room for entries that wait for the ledger
    is used."""

    feed_age_s: float | None
    best_bid: Decimal | None
    best_ask: Decimal | None
    reference_price: float | None
    q_lots: float | None
    feed_stale_s: float
    soft_limit_lots: float
    q_hard_lots: float
    asset_base: Decimal | None = None
    asset_limit: SharedLimit | None = None
    desk_quote: Decimal | None = None
    desk_limit: SharedLimit | None = None
    breakers: BreakerConditions | None = None
    inbox_fraction: float = 0.0


def feed_fresh(feed_age_s: float | None, feed_stale_s: float) -> Verdict | None:
    """The feed showed life within `feed_stale_s`; else nothing may rest."""
    if feed_age_s is None or not math.isfinite(feed_age_s):
        return Verdict(Rule.FEED, ReasonCode.FEED_AGE_UNKNOWN, TradingState.PAUSED)
    if feed_age_s > feed_stale_s:
        data = (("feed_age_s", repr(feed_age_s)), ("feed_stale_s", repr(feed_stale_s)))
        return Verdict(Rule.FEED, ReasonCode.FEED_STALE, TradingState.PAUSED, data=data)
    return None


def reference_known(reference_price: float | None) -> Verdict | None:
    """There is a reference price, and it is a price."""
    if reference_price is None:
        return Verdict(Rule.REFERENCE, ReasonCode.NO_REFERENCE, TradingState.PAUSED)
    if not (math.isfinite(reference_price) and reference_price > 0.0):
        data = (("reference_price", repr(reference_price)),)
        return Verdict(Rule.REFERENCE, ReasonCode.REFERENCE_INVALID, TradingState.PAUSED, data=data)
    return None


def book_sound(best_bid: Decimal | None, best_ask: Decimal | None) -> Verdict | None:
    """The book is neither empty nor crossed nor locked. One empty side alone is the reference's business."""
    if best_bid is None and best_ask is None:
        return Verdict(Rule.BOOK, ReasonCode.BOOK_EMPTY, TradingState.PAUSED)
    if best_bid is not None and best_ask is not None and best_bid >= best_ask:
        data = (("best_bid", str(best_bid)), ("best_ask", str(best_ask)))
        return Verdict(Rule.BOOK, ReasonCode.BOOK_CROSSED, TradingState.PAUSED, data=data)
    return None


def hard_limit(q_lots: float | None, q_hard_lots: float) -> Verdict | None:
    """Inventory is inside the hard limit; else all quotes go and two people resume."""
    if q_lots is None or not math.isfinite(q_lots):
        return Verdict(Rule.HARD_LIMIT, ReasonCode.INVENTORY_UNKNOWN, TradingState.PAUSED)
    if abs(q_lots) >= q_hard_lots:
        data = (("q_lots", repr(q_lots)), ("q_hard_lots", repr(q_hard_lots)))
        return Verdict(Rule.HARD_LIMIT, ReasonCode.HARD_LIMIT_REACHED, TradingState.PAUSED, Release.TWO_PEOPLE, data)
    return None


def soft_limit(q_lots: float | None, soft_limit_lots: float) -> Verdict | None:
    """Inventory is inside the soft limit; else only orders that lower exposure."""
    if q_lots is None or not math.isfinite(q_lots):
        return Verdict(Rule.SOFT_LIMIT, ReasonCode.INVENTORY_UNKNOWN, TradingState.PAUSED)
    if abs(q_lots) >= soft_limit_lots:
        data = (("q_lots", repr(q_lots)), ("soft_limit_lots", repr(soft_limit_lots)))
        return Verdict(Rule.SOFT_LIMIT, ReasonCode.SOFT_LIMIT_REACHED, TradingState.REDUCING, data=data)
    return None


def asset_limit(asset_base: Decimal | None, limit: SharedLimit | None) -> Verdict | None:
    """Inventory of the asset over all its markets is inside its limits (base units)."""
    reasons = (ReasonCode.ASSET_SOFT_LIMIT_REACHED, ReasonCode.ASSET_HARD_LIMIT_REACHED)
    return _shared_limit(Rule.ASSET_LIMIT, reasons, asset_base, limit, "asset_base")


def desk_limit(desk_quote: Decimal | None, limit: SharedLimit | None) -> Verdict | None:
    """Inventory of the desk over all its assets is inside its limits (quote units)."""
    reasons = (ReasonCode.DESK_SOFT_LIMIT_REACHED, ReasonCode.DESK_HARD_LIMIT_REACHED)
    return _shared_limit(Rule.DESK_LIMIT, reasons, desk_quote, limit, "desk_quote")


def _shared_limit(
    rule: Rule, reasons: tuple[ReasonCode, ReasonCode], held: Decimal | None, limit: SharedLimit | None, name: str
) -> Verdict | None:
    """Hard: all quotes go and two people resume. Soft: only orders that lower exposure."""
    if limit is None:
        return None
    if held is None or not held.is_finite():
        return Verdict(rule, ReasonCode.INVENTORY_UNKNOWN, TradingState.PAUSED)
    if held >= limit.hard:
        data = ((name, str(held)), (f"{name}_hard", str(limit.hard)))
        return Verdict(rule, reasons[1], TradingState.PAUSED, Release.TWO_PEOPLE, data)
    if held >= limit.soft:
        return Verdict(
            rule, reasons[0], TradingState.REDUCING, data=((name, str(held)), (f"{name}_soft", str(limit.soft)))
        )
    return None


def inbox_room(inbox_fraction: float) -> Verdict | None:
    """There is room for the fills of what rests: they wait in the inbox until the database has taken them."""
    if inbox_fraction < INBOX_REDUCING_AT:
        return None
    data = (("inbox_percent", f"{100 * inbox_fraction:.0f}"),)
    if inbox_fraction < INBOX_PAUSED_AT:
        return Verdict(Rule.INBOX, ReasonCode.INBOX_FILLING, TradingState.REDUCING, data=data)
    return Verdict(Rule.INBOX, ReasonCode.INBOX_FULL, TradingState.PAUSED, data=data)


def assess(conditions: MarketConditions) -> tuple[Verdict, ...]:
    """Every rule that fired, strictest first; empty when all are satisfied."""
    verdicts = (
        hard_limit(conditions.q_lots, conditions.q_hard_lots),
        feed_fresh(conditions.feed_age_s, conditions.feed_stale_s),
        book_sound(conditions.best_bid, conditions.best_ask),
        reference_known(conditions.reference_price),
        soft_limit(conditions.q_lots, conditions.soft_limit_lots),
        asset_limit(conditions.asset_base, conditions.asset_limit),
        desk_limit(conditions.desk_quote, conditions.desk_limit),
        inbox_room(conditions.inbox_fraction),
        *(() if conditions.breakers is None else assess_breakers(conditions.breakers)),
    )
    fired = [verdict for verdict in verdicts if verdict is not None]
    return tuple(sorted(fired, key=lambda verdict: -verdict.state_imposed.strictness))


def state_for_cycle(
    control: TradingState, locks: tuple[TradingState, ...], verdicts: tuple[Verdict, ...]
) -> TradingState:
    """State one cycle quotes under: the strictest of stored control, active locks and this cycle's verdicts."""
    return effective_state(control, (*locks, *(verdict.state_imposed for verdict in verdicts)))
