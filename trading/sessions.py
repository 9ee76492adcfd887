"""Trading sessions in PostgreSQL: the memory behind the hot state's, a minute older at most."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import redis
import structlog
from django.db import connection, transaction

from trading.hot_state.overview import read_overviews
from trading.hot_state.session import raise_session_sync, read_session_sync
from trading.hot_state.values import HotPosition
from trading.models import TradingSession
from trading.registry.selectors import active_markets
from trading.risk.session import Session

log = structlog.get_logger(__name__)

_RAISE = """
INSERT INTO trading_sessions AS t (market_id, day, number, opening_pnl, opening_price, peak, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (market_id, day, number) DO UPDATE SET peak = excluded.peak, updated_at = excluded.updated_at
WHERE t.peak < excluded.peak
"""


def load_session(market_id: int, day: str) -> Session | None:
    """The last session of that day; None where none was kept."""
    rows = TradingSession.objects.filter(market_id=market_id, day=date.fromisoformat(day))
    row = rows.order_by("-number").first()
    return None if row is None else Session(day, row.opening_pnl, row.opening_price, row.peak, row.number)


def begin_anew(market_id: int, slug: str, now: datetime) -> None:
    """The next session of the day, from here: within the transaction in which two people resume after a drawdown.

    Raises `NothingKnown` where position or price are not known: then there is nothing to measure from.
    """
    hot = read_overviews([(slug, "")])[slug]
    if hot.position is None or hot.view is None or hot.view.reference is None:
        raise NothingKnown(slug)
    day, pnl = now.date().isoformat(), position_pnl(hot.position, hot.view.reference)
    before = load_session(market_id, day) or read_session_sync(slug)
    number = 1 if before is None or before.day != day else before.number + 1
    session = Session(day, pnl, hot.view.reference, Decimal(0), number)
    _write(market_id, session, now)
    transaction.on_commit(lambda: raise_session_sync(slug, session), robust=True)


class NothingKnown(Exception):
    """Position or price of a market are not known."""


def position_pnl(position: HotPosition, mark: Decimal) -> Decimal:
    """Realised and unrealised P&L at `mark`, quote units."""
    return position.realised + position.q * mark - position.cost_basis


def _write(market_id: int, session: Session, now: datetime) -> None:
    values = (market_id, session.day, session.number, session.opening_pnl, session.opening_price, session.peak, now)
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, values)


def keep_sessions(now: datetime) -> int:
    """Write every market's session with its peak, and put back a peak or session that Redis has lost; how many were read.

    The two memories only ever raise each other: whichever was edited or restored, the higher peak stays.
    """
    kept = 0
    for market in active_markets():
        try:
            hot = read_session_sync(market.slug)
        except redis.RedisError as problem:
            log.warning("session_not_kept", market=market.slug, problem=type(problem).__name__)
            continue
        if hot is not None and hot.day <= now.date().isoformat():
            kept += 1
            _write(market.id, hot, now)
        stored = load_session(market.id, now.date().isoformat())
        if stored is not None and (hot is None or _is_behind(hot, stored)):
            raise_session_sync(market.slug, stored)
    return kept


def _is_behind(hot: Session, stored: Session) -> bool:
    return hot.day != stored.day or (hot.number, hot.peak) < (stored.number, stored.peak)
