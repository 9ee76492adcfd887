"""Reading trading states: what is in force and why, and what two people must end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from trading.controls.commands import DESK
from trading.controls.gates import ClosedGate, closed_among, with_demands
from trading.controls.rule_locks import LIFTED_BY_ONE
from trading.models import Lock, TradingControl
from trading.risk.states import TradingState, strictest

KILL = "kill"


@dataclass(frozen=True, slots=True)
class Imposed:
    """One control, lock or closed gate and what it says. `rule` is "control" for what a person set, gate_<name> for a gate."""

    scope: str
    state: TradingState
    rule: str
    reason: str
    by: str
    since: datetime


Effective = tuple[TradingState, tuple[Imposed, ...]]


def effective_state(market_slug: str, now: datetime) -> Effective:
    """The state in force on a market, and everything that is stricter than active, strictest first.

    A control that is missing counts as halted: what can't be checked has failed.
    """
    return effective_states((market_slug,), now)[market_slug]


def effective_states(market_slugs: Iterable[str], now: datetime) -> dict[str, Effective]:
    """The same for several markets, by slug, with two queries for all of them, and one more where they demand a gate."""
    slugs = tuple(market_slugs)
    read = _read((DESK, *slugs), now)
    return {slug: _effective((DESK, slug), read, now) for slug in slugs}


def own_states(scopes: Iterable[str], now: datetime) -> dict[str, TradingState]:
    """By scope the strictest of its own control, locks and closed gates, whatever stands on the desk."""
    wanted = tuple(scopes)
    read = _read(wanted, now)
    return {scope: _effective((scope,), read, now)[0] for scope in wanted}


@dataclass(frozen=True, slots=True)
class _Read:
    """`gates`: by scope the closed ones that its market demands."""

    controls: Mapping[str, TradingControl]
    locks: list[Lock]
    gates: Mapping[str, tuple[ClosedGate, ...]]


def _read(scopes: tuple[str, ...], now: datetime) -> _Read:
    controls = with_demands(TradingControl.objects.filter(scope__in=scopes))
    closed = closed_among(name for _, demands in controls for name in demands)
    active = Lock.objects.filter(scope__in=scopes, lifted_at__isnull=True).filter(
        Q(until__isnull=True) | Q(until__gt=now)
    )
    return _Read(
        {row.scope: row for row, _ in controls},
        list(active),
        {row.scope: tuple(closed[name] for name in demands if name in closed) for row, demands in controls},
    )


def _effective(scopes: tuple[str, ...], read: _Read, now: datetime) -> Effective:
    rows = [read.controls[scope] for scope in scopes if scope in read.controls]
    found = [
        Imposed(row.scope, TradingState(row.state.lower()), "control", row.reason, row.actor_name, row.changed_at)
        for row in rows
    ]
    found += [
        Imposed(row.scope, TradingState(row.state.lower()), row.rule, row.reason, row.imposed_by, row.imposed_at)
        for row in read.locks
        if row.scope in scopes
    ]
    found += [
        Imposed(scope, TradingState.REDUCING, gate.code, gate.reason, gate.by, gate.since or now)
        for scope in scopes
        for gate in read.gates.get(scope, ())
    ]
    found += [
        Imposed(scope, TradingState.HALTED, "missing", "this scope has no trading control", "", now)
        for scope in scopes
        if scope not in read.controls
    ]
    imposing = sorted(
        (one for one in found if one.state is not TradingState.ACTIVE), key=lambda one: -one.state.strictness
    )
    return strictest(one.state for one in found), tuple(imposing)


@dataclass(frozen=True, slots=True)
class TwoPeople:
    """Something on `scope` that only two people end: `rule` is a lock's, or "kill" for a halted control."""

    scope: str
    rule: str
    state: TradingState
    reason: str
    by: str
    since: datetime


def needs_two_people(now: datetime) -> tuple[TwoPeople, ...]:
    """Everything that stands and that one person may not end, by scope."""
    standing = Lock.objects.filter(lifted_at__isnull=True).filter(Q(until__isnull=True) | Q(until__gt=now))
    found = [
        TwoPeople(row.scope, KILL, TradingState.HALTED, row.reason, row.actor_name, row.changed_at)
        for row in TradingControl.objects.filter(state="HALTED")
    ]
    found += [
        TwoPeople(row.scope, row.rule, TradingState(row.state.lower()), row.reason, row.imposed_by, row.imposed_at)
        for row in standing.exclude(rule__in=LIFTED_BY_ONE)
    ]
    return tuple(sorted(found, key=lambda one: (one.scope, one.rule)))
