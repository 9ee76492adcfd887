"""What a chaos run came to: the portal's books against the venues' own, and whether the run was hard enough to count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from dcmm_portal.chaos import evidence
from dcmm_portal.chaos.audit import VenueFill, VenueOrder, breaches
from dcmm_portal.chaos.books import BookedFill, PortalBooks
from dcmm_portal.chaos.observer import ORPHAN_AFTER_S, Observer, WatchedMarket
from dcmm_portal.chaos.plan import FAULTS
from dcmm_portal.chaos.private_system import Line
from dcmm_portal.chaos.strikes import Striker

MAX_FILL_DELAY_S = 60.0
OPEN = ("open", "partially_filled")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Conditions:
    """From when on a run counts. `each`: how often every kind of kill, stop and fault must have been applied and seen."""

    fills: int
    each: int
    uptime: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was gathered. `exports` are the venues' books by process name; `reconciled` the portal's last word."""

    markets: tuple[WatchedMarket, ...]
    books: PortalBooks
    exports: dict[str, dict[str, Any]]
    observer: Observer
    striker: Striker
    console: Sequence[Line]
    kinds: tuple[str, ...]
    reconciled: bool


def report(found: Evidence, conditions: Conditions) -> dict[str, Any]:
    """The figures under the names that other programs rely on, `clean`, `counts`, and the reasons against either."""
    venue = {market.slug: _venue_fills(found, market) for market in found.markets}
    figures = _figures(found, venue)
    errors = [f"{name} is {figures[name]}" for name in ERRORS if figures[name] not in (0, "0")]
    if figures["max_orphan_s"] > ORPHAN_AFTER_S:
        errors.append(f"an order rested {figures['max_orphan_s']} s after its owner's last sign of life")
    if figures["max_fill_delay_s"] > MAX_FILL_DELAY_S:
        errors.append(f"a fill took {figures['max_fill_delay_s']} s to the ledger")
    if not found.reconciled:
        errors.append("the portal's own reconciliation does not call ledger and venue equal")
    too_easy = _too_easy(found, figures, conditions)
    return figures | {
        "seen": evidence.seen(found.striker.struck, found.console),
        "applied": evidence.applied(found.striker.struck) | {"missed": len(found.striker.missed)},
        "clean": not errors,
        "counts": not too_easy,
        "reasons": errors + too_easy,
    }


ERRORS = (
    "lost",
    "duplicated",
    "position_error",
    "cash_error",
    "hard_limit_breaches",
    "orders_without_owner",
    "unexplained",
)


def _figures(found: Evidence, venue: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    booked = {(fill.slug, fill.trade_id, fill.order_id) for fill in found.books.fills}
    told = {(slug, fill["trade_id"], fill["order_id"]) for slug, fills in venue.items() for fill in fills}
    counted = sum(found.books.counted.values())
    # A row of the ledger that the venue never had, or a position that counts more fills than there are rows.
    duplicated = len(booked - told) + max(0, counted - len(found.books.fills))
    watched = found.observer.watched.values()
    return {
        "kills": sum(one.blow.what == "kill" for one in found.striker.struck),
        "stops": sum(one.blow.what == "stop" for one in found.striker.struck),
        "faults": {fault.kind: found.striker.applied.get(fault.kind, 0) for fault in FAULTS},
        "fills_venue": len(told),
        "fills_ledger": len(found.books.fills),
        "lost": len(told - booked),
        "duplicated": duplicated,
        "position_error": _plain(sum((_position_error(found, market) for market in found.markets), ZERO)),
        "cash_error": _plain(_cash_error(found)),
        "hard_limit_breaches": sum(len(_breaches(found, market, venue[market.slug])) for market in found.markets),
        "orders_without_owner": len(_ownerless(found)),
        "max_orphan_s": round(max((one.longest_orphan_s for one in watched), default=0.0), 1),
        "unexplained": found.books.unexplained,
        "repaired": found.books.repaired,
        "max_fill_delay_s": round(_longest_delay_s(found), 1),
        "uptime_fraction": round(found.observer.uptime_fraction(), 3),
    }


def _venue_fills(found: Evidence, market: WatchedMarket) -> list[dict[str, Any]]:
    return [fill for fill in found.exports[market.door]["fills"] if fill["symbol"] == market.symbol]


def _contract_value(found: Evidence, market: WatchedMarket) -> Decimal:
    return found.books.contract_values.get(market.slug, Decimal(1))


def _balance(found: Evidence, door: str, asset: str) -> Decimal:
    rows = found.exports[door]["balances"]
    return sum((Decimal(row["total"]) for row in rows if row["asset"] == asset), ZERO)


def _position_error(found: Evidence, market: WatchedMarket) -> Decimal:
    ours = found.books.positions.get(market.slug, ZERO)
    if found.books.is_perpetual(market.slug):
        rows = found.exports[market.door].get("positions", ())
        held = sum((Decimal(row["size"]) for row in rows if row["symbol"] == market.symbol), ZERO)
        return abs(held * _contract_value(found, market) - ours)
    return abs(_balance(found, market.door, market.symbol.split("/")[0]) - ours)


def _cash_error(found: Evidence) -> Decimal:
    total = ZERO
    for (account, asset), amount in found.books.cash.items():
        door = f"sandbox-{account.split('-')[0]}"
        total += abs(_balance(found, door, asset.upper()) - amount)
    # What rounds away below the smallest unit of an asset is no error.
    return total if total >= Decimal("0.000001") else ZERO


def _breaches(found: Evidence, market: WatchedMarket, told: list[dict[str, Any]]) -> list[str]:
    limit = found.books.limits[market.slug]
    unit, base = _contract_value(found, market), market.symbol.split("/")[0]
    fills = [_venue_fill(fill, unit, base) for fill in told]
    rows = [row for row in found.exports[market.door]["orders"] if row["symbol"] == market.symbol]
    orders = [
        VenueOrder(
            row["client_order_id"], row["side"] == "buy", Decimal(row["size"]) * unit, row["created_ns"],
            None if row["status"] in OPEN else row["updated_ns"],
        )
        for row in rows
    ]  # fmt: skip
    now = found.books.positions.get(market.slug, ZERO)
    opening = now - sum((fill.signed for fill in fills), ZERO)
    return [one.client_order_id for one in breaches(orders, fills, opening, limit.target, limit.hard)]


def _venue_fill(row: dict[str, Any], unit: Decimal, base: str) -> VenueFill:
    size = Decimal(row["size"]) * unit
    signed = size if row["side"] == "buy" else -size
    if row["fee_asset"] == base:
        signed -= Decimal(row["fee"])
    return VenueFill(row["ts_ns"], row["client_order_id"], signed, size)


def _ownerless(found: Evidence) -> set[str]:
    """Orders that rested too long after their owner's death, and those that rest in the end and are in no book of ours."""
    alone = {name for one in found.observer.watched.values() for name in one.orphans}
    for export in found.exports.values():
        alone |= {
            row["client_order_id"]
            for row in export["orders"]
            if row["status"] in OPEN and row["client_order_id"] not in found.books.orders
        }
    return alone


def _longest_delay_s(found: Evidence) -> float:
    door = {market.slug: market.door for market in found.markets}
    spans = {each: found.observer.absences((each, "postgres", "valkey", "ledger")) for each in set(door.values())}
    return max((_delay_s(fill, spans[door[fill.slug]]) for fill in found.books.fills), default=0.0)


def _delay_s(fill: BookedFill, absences: Iterable[tuple[int, int]]) -> float:
    """From the fill, or from when the last thing it needs was back, to its booking."""
    from_, booked = fill.executed_at, fill.booked_at
    for began_ns, ended_ns in absences:
        began, ended = _time(began_ns), _time(ended_ns)
        if began < booked and ended > from_:
            from_ = max(from_, min(ended, booked))
    return (booked - from_) / timedelta(seconds=1)


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)


def _too_easy(found: Evidence, figures: dict[str, Any], conditions: Conditions) -> list[str]:
    """Why the run does not count."""
    reasons = []
    if figures["fills_venue"] < conditions.fills:
        reasons.append(f"only {figures['fills_venue']} fills, {conditions.fills} are needed")
    if figures["uptime_fraction"] < conditions.uptime:
        reasons.append(
            f"quotes rested for {figures['uptime_fraction']:.0%} of the time, {conditions.uptime:.0%} is needed"
        )
    kills = [one for one in found.striker.struck if one.blow.what == "kill"]
    open_at = sum(one.had_order for one in kills)
    if 2 * open_at < len(kills):
        reasons.append(f"an order was open at only {open_at} of {len(kills)} kills")
    told, done = evidence.seen(found.striker.struck, found.console), evidence.applied(found.striker.struck)
    wanted = [f"{what} {kind}" for what in ("kill", "stop") for kind in found.kinds]
    for name in (*wanted, *(f"fault {fault.kind}" for fault in FAULTS)):
        if done.get(name, 0) < conditions.each:
            reasons.append(f"{name}: {done.get(name, 0)} times, {conditions.each} are needed")
        elif told.get(name, 0) < conditions.each:
            reasons.append(f"{name}: noticed {told.get(name, 0)} times, {conditions.each} are needed")
    for kind, times in figures["faults"].items():
        if times < conditions.each:
            reasons.append(f"fault {kind} struck {times} times, {conditions.each} are needed")
    return reasons


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f") if number else "0"
