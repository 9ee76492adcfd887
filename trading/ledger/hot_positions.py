"""Positions of PostgreSQL put back into the hot state: at start, after Redis lost its memory, and now and then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import redis
import structlog
from django.db import transaction

from trading import metrics
from trading.events.services import record
from trading.hot_state import inbox
from trading.hot_state.market import push_poll_request_sync
from trading.hot_state.values import HotPosition
from trading.ledger.desk import Desk, LedgerMarket, read_desk
from trading.ledger.services import open_positions
from trading.models import CashBalance, Fill

log = structlog.get_logger(__name__)


def ensure_rows(now: datetime) -> Desk:
    """Make the position of every market and the balances of its account's assets, where missing."""
    desk = read_desk()
    with transaction.atomic():
        open_positions((market.id for market in desk.markets.values()), desk, now)
        wanted = {(m.account_id, asset) for m in desk.markets.values() for asset in _held(m)}
        present = set(CashBalance.objects.values_list("account_id", "asset_id"))
        rows = [CashBalance(account_id=account, asset_id=asset) for account, asset in sorted(wanted - present)]
        CashBalance.objects.bulk_create(rows, ignore_conflicts=True)
    return desk


def _held(market: LedgerMarket) -> tuple[str, ...]:
    """Assets that the account holds for a market."""
    return (market.quote,) if market.is_perpetual else (market.base, market.quote)


def publish_positions(client: redis.Redis, desk: Desk, now: datetime) -> tuple[HotPosition, ...]:
    """Publish every committed position, and take off pending the fills that it already contains.

    A pending fill is looked up under the position's lock, so that none is counted both in the position and as pending.
    """
    return tuple(_publish(client, desk, market, now) for market in desk.markets.values())


def _publish(client: redis.Redis, desk: Desk, market: LedgerMarket, now: datetime) -> HotPosition:
    pending = inbox.read_pending_sync(market.slug)
    with transaction.atomic():
        position = open_positions([market.id], desk, now)[market.id]
        booked = _booked(market, pending.keys()) if pending else []
        hot = position.hot()
        # Still under the lock: nothing newer can be committed, so that this one may replace whatever stands there.
        ahead = inbox.restore_position(client, hot, booked)
        if ahead:
            _tell_ahead(market, hot, ahead, now)
    if ahead:
        # What Redis knew and PostgreSQL does not is in the venue's history, if it is true.
        push_poll_request_sync(market.account, "position_ahead")
    return hot


def _tell_ahead(market: LedgerMarket, hot: HotPosition, ahead: str, now: datetime) -> None:
    log.error("position_ahead_of_ledger", market=market.slug, published=ahead, committed=hot.ledger_seq)
    metrics.POSITIONS_OVERWRITTEN.labels(market.slug).inc()
    payload = {"market": market.slug, "published": ahead, "committed": hot.ledger_seq, "position": hot.q}
    record(f"market:{market.slug}", "position.restored", payload, occurred_at=now)


def _booked(market: LedgerMarket, keys: Iterable[str]) -> list[str]:
    """Those of `keys` whose fill is booked on `market`."""
    prefix = f"{market.venue}|{market.account}|{market.symbol}|"
    wanted = {key for key in keys if key.startswith(prefix) and "\x00" not in key}
    # A trade id may itself hold the separator: every way of cutting the key is asked for, the whole key decides.
    trade_ids = {rest[:cut] for key in wanted for rest in (key[len(prefix) :],) for cut in _cuts(rest)}
    rows = Fill.objects.filter(
        venue=market.venue, account=market.account, symbol=market.symbol, trade_id__in=trade_ids
    ).values_list("trade_id", "order_id")
    return sorted(wanted & {f"{prefix}{trade_id}|{order_id}" for trade_id, order_id in rows})


def _cuts(rest: str) -> list[int]:
    return [index for index, letter in enumerate(rest) if letter == "|"]
