"""Worst-case exposure reserved per market, and its sums per asset and for the desk, checked and written in one step.

A market's own limit needs no race protection (its lease has one holder) and is checked exactly, in `Decimal`, by risk. What
several markets share is checked here inside Redis, whose numbers are doubles: good to 15 digits, far below any lot.
The rule is that of `trading.risk.exposure.blocked_sides`: longs add to longs and shorts to shorts, the desk counts the larger
side of each asset, each side of the market is judged by itself, and what raises nothing is always allowed. A row that can't
be read counts as one that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import redis
import redis.asyncio

from trading.hot_state import keys

# ARGV: slug, asset, mark, inventory, long and short wanted, long and short standing, asset limit ('' none), desk limit ('' none),
# force, number of slugs, slugs... A row: asset|long|short|mark|inventory.
_RESERVE = """
local own, asset, mark, force = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[11] == '1'
local function number(text)
  local value = tonumber(text)
  if value and value == value and math.abs(value) < math.huge then return value end
end
local all, rows, missing = redis.call('HGETALL', KEYS[1]), {}, {}
for i = 1, #all, 2 do
  local of, long, short, at = string.match(all[i + 1], '^([^|]+)|([^|]+)|([^|]+)|([^|]+)|[^|]+$')
  long, short, at = number(long or ''), number(short or ''), number(at or '')
  if all[i] ~= own then
    if long and short and at then rows[all[i]] = {of, long, short, at} else redis.call('HDEL', KEYS[1], all[i]) end
  end
end
for i = 1, tonumber(ARGV[12]) do
  local slug = ARGV[12 + i]
  if slug ~= own and not rows[slug] then missing[#missing + 1] = slug end
end
if #missing > 0 and not force then return {'absent', table.concat(missing, ','), ''} end
local function sums(long, short)
  rows[own] = {asset, long, short, mark}
  local longs, shorts, notional, desk = 0, 0, {}, 0
  for _, row in pairs(rows) do
    local bought, sold = math.max(row[2], 0), math.max(-row[3], 0)
    if row[1] == asset then longs, shorts = longs + bought, shorts + sold end
    local sides = notional[row[1]] or {0, 0}
    notional[row[1]] = {sides[1] + bought * row[4], sides[2] + sold * row[4]}
  end
  for _, sides in pairs(notional) do desk = desk + math.max(sides[1], sides[2]) end
  return longs, shorts, desk
end
local asset_limit, desk_limit = tonumber(ARGV[9]), tonumber(ARGV[10])
local long, short, buy, sell = ARGV[5], ARGV[6], '', ''
if not force then
  local longs, shorts, desk = sums(tonumber(ARGV[7]), tonumber(ARGV[8]))
  local function judge(reached, was, total)
    if asset_limit and reached > math.max(asset_limit, was) then return 'asset' end
    if desk_limit and total > math.max(desk_limit, desk) then return 'desk' end
    return ''
  end
  local bought, _, with_buys = sums(tonumber(long), tonumber(ARGV[8]))
  buy = judge(bought, longs, with_buys)
  local _, sold, with_sells = sums(tonumber(ARGV[7]), tonumber(short))
  sell = judge(sold, shorts, with_sells)
  if buy ~= '' then long = ARGV[7] end
  if sell ~= '' then short = ARGV[8] end
end
redis.call('HSET', KEYS[1], own, table.concat({asset, long, short, ARGV[3], ARGV[4]}, '|'))
return {'ok', buy, sell}
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Worst case of one market, base units from target: if every open buy fills (`long`), every open sell (`short`, signed);
    `mark` is quote per base, `inventory` the distance from target without any open order."""

    slug: str
    asset: str
    long: Decimal
    short: Decimal
    mark: Decimal
    inventory: Decimal


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """Hard limits beyond the market: of its base asset (base units) and of the desk (quote units); None: no such limit.
    `slugs`: every market that must have its reservation known before anything can be said."""

    asset_hard: Decimal | None
    desk_hard: Decimal | None
    slugs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReserveResult:
    """`buy` and `sell`: what blocks that side's requests: '' (they are reserved), 'asset' or 'desk'. Where reservations of
    other markets are `missing`, nothing was reserved: they must be rebuilt first."""

    buy: str = ""
    sell: str = ""
    missing: tuple[str, ...] = ()


def queue_reserve(client: Any, wanted: Reservation, standing: Reservation, limits: SharedLimits) -> Any:
    """Queue on a pipeline (or run on a client): reserve `wanted`, of a side that is blocked only what is `standing`."""
    return _queue(client, wanted, standing, limits, force=False)


def queue_state(client: Any, standing: Reservation) -> Any:
    """Queue what is, without asking any limit."""
    return _queue(client, standing, standing, SharedLimits(None, None, ()), force=True)


def _queue(client: Any, wanted: Reservation, standing: Reservation, limits: SharedLimits, *, force: bool) -> Any:
    numbers = (wanted.mark, wanted.inventory, wanted.long, wanted.short, standing.long, standing.short)
    return client.eval(
        _RESERVE,
        1,
        keys.reservations(),
        wanted.slug,
        wanted.asset,
        *(format(number, "f") for number in numbers),
        "" if limits.asset_hard is None else str(limits.asset_hard),
        "" if limits.desk_hard is None else str(limits.desk_hard),
        "1" if force else "0",
        len(limits.slugs),
        *limits.slugs,
    )


def parse_reserve(raw: Any) -> ReserveResult:
    verdict, first, second = (part.decode() for part in raw)
    return ReserveResult(first, second) if verdict == "ok" else ReserveResult(missing=tuple(first.split(",")))


async def reserve(
    client: redis.asyncio.Redis, wanted: Reservation, standing: Reservation, limits: SharedLimits
) -> ReserveResult:
    """Reserve `wanted` for its market, asset and the desk at once."""
    return parse_reserve(await queue_reserve(client, wanted, standing, limits))


def _row(one: Reservation) -> str:
    return "|".join((one.asset, *(format(n, "f") for n in (one.long, one.short, one.mark, one.inventory))))


async def restore(client: redis.asyncio.Redis, wanted: Reservation) -> bool:
    """Put a reservation rebuilt from PostgreSQL where there is none; False if one appeared meanwhile."""
    return bool(await client.hsetnx(keys.reservations(), wanted.slug, _row(wanted)))


async def read_reservations(client: redis.asyncio.Redis) -> dict[str, Reservation]:
    """Every readable row, by market."""
    try:
        raw: Any = await client.hgetall(keys.reservations())
    except redis.ResponseError:
        # Somebody put something else there: nothing is reserved, and nothing sent before all of it is rebuilt.
        await client.delete(keys.reservations())
        return {}
    found = (_parse(slug.decode(errors="replace"), body) for slug, body in raw.items())
    return {one.slug: one for one in found if one is not None}


def _parse(slug: str, body: bytes) -> Reservation | None:
    parts = body.decode(errors="replace").split("|")
    if len(parts) != 5:
        return None
    try:
        numbers = [Decimal(part) for part in parts[1:]]
    except InvalidOperation:
        return None
    return Reservation(slug, parts[0], *numbers) if all(number.is_finite() for number in numbers) else None
