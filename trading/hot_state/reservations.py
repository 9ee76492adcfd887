"""Worst-case exposure reserved per market, and its sums per asset and for the desk, checked and written in one step.

A market's own limit needs no race protection (its lease has one holder) and is checked exactly, in `Decimal`, by risk. What
several markets share is checked here inside Redis, whose numbers are doubles: good to 15 digits, far below any lot.
Longs add to longs and shorts to shorts (they may both fail to net, `trading.risk.exposure` says the same); the desk counts the
larger side of each asset. A reservation that raises nothing is always allowed: reducing must pass even above a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import redis.asyncio

from trading.hot_state import keys

# ARGV: slug, asset, long, short, mark, asset limit ('' none), desk limit ('' none), force, number of slugs, slugs...
_RESERVE = """
local all, rows, missing = redis.call('HGETALL', KEYS[1]), {}, {}
for i = 1, #all, 2 do
  local asset, long, short, mark, restored = string.match(all[i + 1], '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|?(.*)$')
  -- What another process rebuilt of our own row may hold intents that are only now being asked for: it permits nothing.
  if not (all[i] == ARGV[1] and restored == 'restored') then
    rows[all[i]] = {asset, tonumber(long), tonumber(short), tonumber(mark)}
  end
end
local own, force = ARGV[1], ARGV[8] == '1'
for i = 1, tonumber(ARGV[9]) do
  local slug = ARGV[9 + i]
  if slug ~= own and not rows[slug] then missing[#missing + 1] = slug end
end
if #missing > 0 and not force then return {'absent', table.concat(missing, ','), '0'} end
local function sums()
  local longs, shorts, notional, desk = {}, {}, {}, 0
  for _, row in pairs(rows) do
    local asset, long, short = row[1], math.max(row[2], 0), math.max(-row[3], 0)
    longs[asset], shorts[asset] = (longs[asset] or 0) + long, (shorts[asset] or 0) + short
    local sides = notional[asset] or {0, 0}
    notional[asset] = {sides[1] + long * row[4], sides[2] + short * row[4]}
  end
  for _, sides in pairs(notional) do desk = desk + math.max(sides[1], sides[2]) end
  return longs[ARGV[2]] or 0, shorts[ARGV[2]] or 0, desk
end
local old_long, old_short, old_desk = sums()
rows[own] = {ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])}
local long, short, desk = sums()
if not force then
  local asset_limit, desk_limit = tonumber(ARGV[6]), tonumber(ARGV[7])
  if asset_limit and long > asset_limit and long > old_long then return {'asset', ARGV[2], tostring(long)} end
  if asset_limit and short > asset_limit and short > old_short then return {'asset', ARGV[2], tostring(short)} end
  if desk_limit and desk > desk_limit and desk > old_desk then return {'desk', 'desk', tostring(desk)} end
end
redis.call('HSET', KEYS[1], own, table.concat({ARGV[2], ARGV[3], ARGV[4], ARGV[5]}, '|'))
return {'ok', '', '0'}
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Worst case of one market, base units from target: if every open buy fills (`long`), every open sell (`short`, signed);
    `mark` is quote per base."""

    slug: str
    asset: str
    long: Decimal
    short: Decimal
    mark: Decimal


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """Hard limits beyond the market: of its base asset (base units) and of the desk (quote units); None: no such limit.
    `slugs`: every market that must have its reservation known before anything can be said."""

    asset_hard: Decimal | None
    desk_hard: Decimal | None
    slugs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReserveResult:
    """`blocked_by`: '' (reserved), 'asset', 'desk', or 'absent' (reservations of `missing` must be rebuilt first)."""

    blocked_by: str
    missing: tuple[str, ...] = ()
    total: str = ""


def queue_reserve(client: Any, wanted: Reservation, limits: SharedLimits, *, force: bool = False) -> Any:
    """Queue on a pipeline (or run on a client). `force` states what is, without asking any limit."""
    return client.eval(
        _RESERVE,
        1,
        keys.reservations(),
        wanted.slug,
        wanted.asset,
        str(wanted.long),
        str(wanted.short),
        str(wanted.mark),
        "" if limits.asset_hard is None else str(limits.asset_hard),
        "" if limits.desk_hard is None else str(limits.desk_hard),
        "1" if force else "0",
        len(limits.slugs),
        *limits.slugs,
    )


def parse_reserve(raw: Any) -> ReserveResult:
    verdict, detail, total = (part.decode() for part in raw)
    if verdict == "ok":
        return ReserveResult("")
    if verdict == "absent":
        return ReserveResult("absent", tuple(detail.split(",")))
    return ReserveResult(verdict, total=total)


async def reserve(client: redis.asyncio.Redis, wanted: Reservation, limits: SharedLimits) -> ReserveResult:
    """Reserve `wanted` for its market, asset and the desk at once, or nothing."""
    return parse_reserve(await queue_reserve(client, wanted, limits))


async def restore(client: redis.asyncio.Redis, wanted: Reservation) -> bool:
    """Put a reservation rebuilt from PostgreSQL where there is none; False if one appeared meanwhile."""
    value = "|".join((wanted.asset, str(wanted.long), str(wanted.short), str(wanted.mark), "restored"))
    return bool(await client.hsetnx(keys.reservations(), wanted.slug, value))
