"""Everything a cycle reads of one market, in the one round trip that also asks for the lease."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import redis.asyncio

from trading.hot_state import controls, inbox, keys, lease, orders
from trading.hot_state.codec import HotStateCorrupt, decode
from trading.hot_state.cycle import parse_cycle
from trading.hot_state.foreign import Occupied, parse_occupied
from trading.hot_state.lease import LeaseClaim, LeaseResult
from trading.hot_state.reconciled import is_marked
from trading.hot_state.soundness import is_sound
from trading.hot_state.values import CycleStatus, HotBalances, HotMarkouts, HotOrder, HotPosition, MarketView
from trading.risk.session import Session
from trading.venues.interface import MarketInfo

DESK = "desk"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HotSnapshot:
    """One market at one moment. None: not there. `pending`: signed base quantity of fills on their way to the ledger.
    `corrupt` names keys whose content can't be read: their values are None, and the market does not quote."""

    view: MarketView | None
    position: HotPosition | None
    pending: Decimal
    orders: tuple[HotOrder, ...]
    balances: HotBalances | None
    info: MarketInfo | None
    tightened: tuple[str, ...]
    previous: CycleStatus | None
    corrupt: tuple[str, ...]
    reconciled: bool  # the account was compared with its venue since the start
    session: Session | None = None
    markouts: HotMarkouts | None = None
    inbox_fraction: float = 0.0  # of the room for entries that the ledger has not booked yet
    occupied: Occupied | None = None  # another copy of the portal quotes through the account


# One script: the lease and all of the market in one command, as of one moment. KEYS: lease, view, position, pending, orders,
# balances, market info, controls, cycle, reconciled, session, markouts, inbox, occupied. The last two arguments are the market
# and the desk's scope. A key of a wrong type (somebody's hands) reads as a value that nothing can be read from: closed, and no
# error.
_READ = """
local scope, desk = ARGV[#ARGV - 1], ARGV[#ARGV]
local function one(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return '!' end
  return answer
end
local function many(...)
  local answer = redis.pcall(...)
  if answer.err then return {'!', '!'} end
  return answer
end
return {one('GET', KEYS[2]), one('GET', KEYS[3]), many('HVALS', KEYS[4]), many('HVALS', KEYS[5]),
  one('GET', KEYS[6]), one('HGET', KEYS[7], scope), many('HMGET', KEYS[8], desk, scope),
  one('GET', KEYS[9]), one('GET', KEYS[10]), one('GET', KEYS[11]), one('GET', KEYS[12]), one('XLEN', KEYS[13]),
  one('GET', KEYS[14])}
"""
_ACQUIRE_AND_READ = f"""
local function acquire()
{lease.ACQUIRE}
end
local function read()
{_READ}
end
local answer = acquire()
if answer[1] ~= 'granted' then return {{answer}} end
return {{answer, read()}}
"""


def _keys(slug: str, account: str) -> tuple[str, ...]:
    return (
        keys.lease(slug),
        keys.market_view(slug),
        keys.position(slug),
        keys.inbox_pending(slug),
        keys.open_orders(slug),
        keys.balances(account),
        keys.market_info(account),
        keys.controls(),
        keys.cycle(slug),
        keys.reconciled(account),
        keys.session(slug),
        keys.markouts(slug),
        keys.INBOX_STREAM,
        keys.occupied(account),
    )


def parse_snapshot(raw: list[Any], slug: str, now_ns: int) -> HotSnapshot:
    view, position, pending, hot_orders, balances, info, tightened, previous, mark, session, markouts, waiting = raw[
        :12
    ]
    occupied = parse_occupied(raw[12])
    corrupt: list[str] = []

    def read(body: bytes | None, kind: type[Any], name: str) -> Any:
        if body is None:
            return None
        found = _readable(body, kind)
        if found is None:
            corrupt.append(name)
        return found

    try:
        found = orders.parse_order_bodies(hot_orders)
    except HotStateCorrupt:
        corrupt.append("orders")
        found = ()
    inventory = inbox.parse_inventory(position, pending, slug)
    if position is not None and inventory.position is None:
        corrupt.append("position")
    if not isinstance(waiting, int):
        corrupt.append("inbox")
    return HotSnapshot(
        view=read(view, MarketView, "view"),
        position=inventory.position,
        pending=inventory.pending,
        orders=found,
        balances=read(balances, HotBalances, "balances"),
        info=read(info, MarketInfo, "market_info"),
        tightened=controls.parse_controls(tightened, now_ns),
        previous=parse_cycle(previous),
        corrupt=tuple(corrupt),
        reconciled=is_marked(mark),
        # Unreadable is as good as lost: PostgreSQL is asked for the session, and fills are judged again in a moment.
        session=_readable(session, Session),
        markouts=_readable(markouts, HotMarkouts),
        inbox_fraction=inbox.used_fraction(waiting) if isinstance(waiting, int) else math.inf,
        occupied=occupied if occupied is not None and occupied.holds(now_ns) else None,
    )


def _readable(body: bytes | None, kind: type[T]) -> T | None:
    try:
        found = None if body is None else decode(body, kind)
    except HotStateCorrupt:
        return None
    return found if is_sound(found) else None


async def acquire_with_snapshot(
    client: redis.asyncio.Redis, claim: LeaseClaim, account: str
) -> tuple[LeaseResult, HotSnapshot | None]:
    """Ask for the lease and, where it is granted, read the market; None where it is not."""
    names = _keys(claim.slug, account)
    arguments = (*lease.acquire_arguments(claim), claim.slug, DESK)
    raw: Any = await client.eval(_ACQUIRE_AND_READ, len(names), *names, *arguments)
    snapshot = parse_snapshot(raw[1], claim.slug, claim.now_ns) if len(raw) > 1 else None
    return lease.parse_acquire(raw[0]), snapshot


async def read_snapshot(client: redis.asyncio.Redis, slug: str, account: str, now_ns: int) -> HotSnapshot:
    """Read the market again (after a takeover)."""
    names = _keys(slug, account)
    raw: Any = await client.eval(_READ, len(names), *names, slug, DESK)
    return parse_snapshot(raw, slug, now_ns)
