"""What the breakers of a cycle look at, from the snapshot and the market's session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import DatabaseError

from trading.hot_state.market import second_price
from trading.hot_state.snapshot import HotSnapshot
from trading.hot_state.values import HotBalances, HotMarkouts, HotPosition
from trading.quoting.connections import Connections
from trading.quoting.funds import BALANCES_OLD_S
from trading.quoting.inputs import Governed
from trading.registry.selectors import MarketRef
from trading.risk.breakers import BreakerConditions, BreakerFacts
from trading.risk.parameters import RiskParameters
from trading.risk.session import Session, carried_on, session_pnl
from trading.sessions import load_session, position_pnl

log = structlog.get_logger(__name__)
# A reading of markouts that is older says nothing about now.
MARKOUTS_OLD_S = 60.0


@dataclass(frozen=True, slots=True)
class Judged:
    """The session as it is after this cycle's reading (None: not known), and what the breakers are given."""

    session: Session | None
    conditions: BreakerConditions | None


def session_day(now_ns: int) -> str:
    """The UTC day of `now_ns`, by which sessions go."""
    return datetime.fromtimestamp(now_ns / 1e9, UTC).date().isoformat()


async def judge(
    connections: Connections, market: MarketRef, snapshot: HotSnapshot, governed: Governed, now_ns: int
) -> Judged:
    """Session and breaker conditions of the cycle; no conditions while the numbers for them are missing."""
    view, position, risk, quote = snapshot.view, snapshot.position, governed.risk, governed.parameters
    if view is None or view.reference is None or position is None or risk is None or quote is None:
        return Judged(None, None)
    day, target = session_day(now_ns), quote.q_target_lots * market.lot_size
    pnl, session, gained = position_pnl(position, view.reference), None, None
    try:
        before = await _session(connections, market, snapshot, day)
    except DatabaseError as problem:
        # A peak may be forgotten: nothing is assumed, and the drawdown counts as unknown.
        log.warning("session_not_read", market=market.slug, problem=type(problem).__name__)
    else:
        session = carried_on(before, day, pnl, view.reference, target)
        gained = session_pnl(session, pnl, view.reference, target)
    facts = BreakerFacts(
        view_age_s=(now_ns - view.published_ns) / 1e9,
        cycle_s=quote.refresh_interval_s,
        reference_price=float(view.reference),
        second_price=second_price(view, quote.ref_trade_max_age_s, now_ns),
        rolling_mid=None if view.rolling_mid is None else float(view.rolling_mid),
        sigma=view.sigma_raw,
        pnl_quote=None if gained is None else float(gained),
        peak_quote=None if session is None else float(session.peak),
        rejects_in_a_row=0 if snapshot.previous is None else snapshot.previous.rejects_in_a_row,
        markout_bps=None if snapshot.markouts is None else snapshot.markouts.mean_bps,
        markout_fills=_judged_fills(snapshot.markouts, now_ns),
        clock_skew_ms=view.clock_skew_ms,
        **_gap(connections, market, snapshot, position, risk, now_ns),
    )
    return Judged(session, BreakerConditions(facts, risk.breakers))


async def _session(connections: Connections, market: MarketRef, snapshot: HotSnapshot, day: str) -> Session | None:
    """The hot session, or where Redis has none of today, the stored one; None: there is none yet. Raises DatabaseError."""
    if snapshot.session is not None and snapshot.session.day == day:
        return snapshot.session
    return await connections.database.run(load_session, market.id, day)


def _judged_fills(markouts: HotMarkouts | None, now_ns: int) -> int:
    if markouts is None or abs(now_ns - markouts.at_ns) > MARKOUTS_OLD_S * 1e9:
        return 0
    return markouts.fills


def _gap(
    connections: Connections,
    market: MarketRef,
    snapshot: HotSnapshot,
    position: HotPosition,
    risk: RiskParameters,
    now_ns: int,
) -> dict[str, Any]:
    """How far what the venue holds for us lies from our inventory, and since when; not known where markets share a balance."""
    balances = snapshot.balances
    held = _venue_position(connections, market, balances)
    if held is None or balances is None or abs(now_ns - balances.read_ns) > BALANCES_OLD_S * 1e9:
        return {"balance_gap_lots": None, "balance_gap_s": 0.0}
    gap = float((held - position.q - snapshot.pending) / market.lot_size)
    since_ns = 0 if snapshot.previous is None else snapshot.previous.gap_since_ns
    stands_s = (now_ns - since_ns) / 1e9 if since_ns and abs(gap) > risk.breakers.balance_gap_lots else 0.0
    return {"balance_gap_lots": gap, "balance_gap_s": max(0.0, stands_s)}


def _venue_position(connections: Connections, market: MarketRef, held: HotBalances | None) -> Decimal | None:
    """The venue's position on a perpetual, its balance of the base where one spot market alone trades it."""
    if held is None:
        return None
    if market.is_perpetual:
        return held.positions.get(market.slug, Decimal(0))
    beside = [
        one for one in connections.governed.markets() if one.account == market.account and one.slug != market.slug
    ]
    shared = any(market.base == one.quote or (market.base == one.base and not one.is_perpetual) for one in beside)
    return None if shared else held.total(market.base)
