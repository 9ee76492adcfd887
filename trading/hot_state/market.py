"""What market_data tells everybody: views, balances, market rules, chart history, heartbeats; and requests to poll.

Functions with a client as first argument are coroutines; `*_sync` ones use the process' blocking client. A value that
does not fit its type reads as absent (logged), so that whoever decides on it fails closed.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import redis
import redis.asyncio
import structlog

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode, encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import HistoryPoint, HotBalances, MarketView
from trading.venues.interface import MarketInfo

log = structlog.get_logger(__name__)
T = TypeVar("T")
HotClient = redis.asyncio.Redis
"""The client that rooms pass along to this package; they never call it themselves."""

HISTORY_KEPT_S = 2 * 3600
HEARTBEAT_EXPIRES_S = 3600
POLL_REQUESTS_KEPT = 50
# A view dated further ahead of the reader's clock than this has no age that could be trusted.
FUTURE_TOLERANCE_S = 1.0


def _value(body: Any, kind: type[T], key: str) -> T | None:
    if body is None:
        return None
    try:
        return decode(body, kind)
    except HotStateCorrupt as problem:
        log.error("hot_state_corrupt", key=key, problem=str(problem)[:200])
        return None


# --- market views -----------------------------------------------------------------------------------------------------


async def write_market_view(client: redis.asyncio.Redis, view: MarketView) -> None:
    """Replace the market's view. It does not expire: a dead feed must be seen ageing, not vanish."""
    await client.set(keys.market_view(view.slug), encode(view))


async def read_market_view(client: redis.asyncio.Redis, slug: str) -> MarketView | None:
    """The market's view, None where there is none."""
    return _value(await client.get(keys.market_view(slug)), MarketView, keys.market_view(slug))


def read_market_view_sync(slug: str) -> MarketView | None:
    """The market's view, None where there is none."""
    return _value(sync_client().get(keys.market_view(slug)), MarketView, keys.market_view(slug))


def feed_age_s(view: MarketView, now_ns: int) -> float:
    """Seconds since the venue last proved to be alive; infinite for a view from the future (a clock is wrong)."""
    since_s = (now_ns - view.published_ns) / 1e9
    if since_s < -FUTURE_TOLERANCE_S:
        return math.inf
    return view.proof_age_s + max(0.0, since_s)


# --- balances and market rules ----------------------------------------------------------------------------------------


async def write_balances(client: redis.asyncio.Redis, balances: HotBalances) -> None:
    """Replace the account's balances."""
    await client.set(keys.balances(balances.account), encode(balances))


async def read_balances(client: redis.asyncio.Redis, account: str) -> HotBalances | None:
    """The account's balances as last read from the venue, None where never read."""
    return _value(await client.get(keys.balances(account)), HotBalances, keys.balances(account))


def read_balances_sync(account: str) -> HotBalances | None:
    """The account's balances as last read from the venue, None where never read."""
    return _value(sync_client().get(keys.balances(account)), HotBalances, keys.balances(account))


async def write_market_info(client: redis.asyncio.Redis, account: str, info: MarketInfo) -> None:
    """Store the venue's rules of one market (tick, lot step, minimums, fees)."""
    await client.hset(keys.market_info(account), info.market, encode(info))


async def read_market_info(client: redis.asyncio.Redis, account: str, slug: str) -> MarketInfo | None:
    """The venue's rules of one market, None where never read."""
    return _value(await client.hget(keys.market_info(account), slug), MarketInfo, keys.market_info(account))


def read_market_info_sync(account: str, slug: str) -> MarketInfo | None:
    """The venue's rules of one market, None where never read."""
    return _value(sync_client().hget(keys.market_info(account), slug), MarketInfo, keys.market_info(account))


# --- chart history ----------------------------------------------------------------------------------------------------


def second_price(view: MarketView, max_age_s: float, now_ns: int) -> float | None:
    """The last trade, as another source than the reference; None where the reference comes from it, or it is too old."""
    if view.reference_source == "trade" or not view.trades:
        return None
    last = max(view.trades, key=lambda trade: trade.venue_ns)
    venue_now_ns = now_ns if view.venue_ns is None else view.venue_ns + (now_ns - view.published_ns)
    return float(last.price) if venue_now_ns - last.venue_ns <= max_age_s * 1e9 else None


async def append_history(client: redis.asyncio.Redis, slug: str, point: HistoryPoint) -> None:
    """Add one point; called about once a second. Points older than two hours go."""
    at_ms = point.at_ns // 1_000_000
    oldest_ms = max(0, at_ms - HISTORY_KEPT_S * 1000)
    fields: dict[Any, Any] = {"p": encode(point)}
    try:
        await client.xadd(keys.history(slug), fields, id=f"{at_ms}-*", minid=str(oldest_ms), approximate=True)
    except redis.ResponseError:
        # Our clock went back behind the newest entry: keep the point, right after that entry.
        newest: Any = await client.xrevrange(keys.history(slug), count=1)
        newest_ms = newest[0][0].decode().split("-")[0] if newest else "0"
        await client.xadd(keys.history(slug), fields, id=f"{newest_ms}-*")


def _points(entries: Any, slug: str) -> list[HistoryPoint]:
    points = (_value(fields.get(b"p"), HistoryPoint, keys.history(slug)) for _, fields in entries)
    return [point for point in points if point is not None]


async def read_history(client: redis.asyncio.Redis, slug: str, since_ns: int, limit: int = 3600) -> list[HistoryPoint]:
    """The newest `limit` points not older than `since_ns`, oldest first."""
    entries = await client.xrevrange(keys.history(slug), "+", str(since_ns // 1_000_000), count=limit)
    return _points(entries, slug)[::-1]


def read_history_sync(slug: str, since_ns: int, limit: int = 3600) -> list[HistoryPoint]:
    """The newest `limit` points not older than `since_ns`, oldest first."""
    entries = sync_client().xrevrange(keys.history(slug), "+", str(since_ns // 1_000_000), count=limit)
    return _points(entries, slug)[::-1]


# --- requests to poll an account's history ----------------------------------------------------------------------------


async def push_poll_request(client: redis.asyncio.Redis, account: str, reason: str) -> None:
    """Ask market_data to poll the account's history now."""
    async with client.pipeline(transaction=False) as pipe:
        pipe.rpush(keys.poll_request(account), reason)
        pipe.ltrim(keys.poll_request(account), -POLL_REQUESTS_KEPT, -1)
        await pipe.execute()


def push_poll_request_sync(account: str, reason: str) -> None:
    """Ask market_data to poll the account's history now."""
    with sync_client().pipeline(transaction=False) as pipe:
        pipe.rpush(keys.poll_request(account), reason)
        pipe.ltrim(keys.poll_request(account), -POLL_REQUESTS_KEPT, -1)
        pipe.execute()


async def pop_poll_request(client: redis.asyncio.Redis, account: str, timeout_s: float = 2.0) -> str | None:
    """Wait up to `timeout_s` (below the client's call time-out) for a request; all waiting ones count as one."""
    answer: Any = await client.blpop([keys.poll_request(account)], timeout=timeout_s)
    if answer is None:
        return None
    await client.delete(keys.poll_request(account))
    return str(answer[1].decode(errors="replace"))


# --- heartbeats -------------------------------------------------------------------------------------------------------


async def beat(client: redis.asyncio.Redis, process: str, now_ns: int) -> None:
    """Tell that `process` is alive at `now_ns`."""
    await client.set(keys.heartbeat(process), now_ns, ex=HEARTBEAT_EXPIRES_S)


def beat_sync(process: str, now_ns: int) -> None:
    """Tell that `process` is alive at `now_ns`."""
    sync_client().set(keys.heartbeat(process), now_ns, ex=HEARTBEAT_EXPIRES_S)


def heartbeats() -> dict[str, int]:
    """Process name → wall time (ns) of its last beat; processes silent for an hour are not listed."""
    client = sync_client()
    names = sorted(client.scan_iter(match=keys.heartbeat("*"), count=1000))
    if not names:
        return {}
    prefix = len(keys.heartbeat(""))
    beats = zip(names, client.mget(names), strict=True)
    return {name.decode()[prefix:]: int(value) for name, value in beats if value is not None and value.isdigit()}
