"""What PostgreSQL governs, as every worker reads it again and again: controls each second, parameters and markets twice in five.

The reading runs beside the cycles. When it fails for longer than `STALE_S` the market has a problem and its quotes go:
a state that can't be checked is not ACTIVE. The gate asks again when orders are sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import models

from trading.clock import Clock, to_datetime
from trading.controls.gates import ClosedGate, closed_among, with_demands
from trading.models import Lock, ParameterSet, TradingControl
from trading.orders.database import DatabaseThreads
from trading.orders.installation import this_installation
from trading.parameters.limits import shared_limits
from trading.parameters.services import current_values, values_hash
from trading.quoting.inputs import Governed
from trading.registry.selectors import MarketRef, active_markets
from trading.risk.exposure import SharedLimit
from trading.risk.parameters import RiskParameters, risk_parameters
from trading.risk.states import TradingState
from trading.strategy.parameters import QuoteParameters, quote_parameters

log = structlog.get_logger(__name__)
CONTROLS_EVERY_S = 1.0
# Often enough that a reading that takes its time, or one that fails, lets nobody quote by parameters older than `STALE_S`.
PARAMETERS_EVERY_S = 2.0
STALE_S = 5.0
READ_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """A market's parameters as its rooms read them; None with the coded problem where they can't be used."""

    quote: QuoteParameters | None
    risk: RiskParameters | None
    version: int
    problem: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Markets, their parameters, the shared limits; the name under which this installation sends."""

    markets: Mapping[str, MarketRef]
    parameters: Mapping[str, MarketParameters]
    assets: Mapping[str, SharedLimit]
    desk: SharedLimit | None
    installation: str = ""


@dataclass(frozen=True, slots=True)
class ScopeState:
    """Strictest of a scope's control, active locks and closed gates that its market demands, with what imposes it."""

    state: TradingState
    reason: str


def load_rules() -> Rules:
    """Read markets, parameter sets and exposure limits."""
    markets = {market.slug: market for market in active_markets()}
    by_id = {market.id: slug for slug, market in markets.items()}
    parameters: dict[str, MarketParameters] = {}
    for row in ParameterSet.objects.filter(market_id__in=list(by_id)):
        parameters[by_id[row.market_id]] = _checked(row)
    assets, desk = shared_limits()
    return Rules(
        markets=markets,
        parameters=parameters,
        assets=assets,
        desk=desk,
        installation=this_installation(),
    )


def _checked(row: ParameterSet) -> MarketParameters:
    """A market's parameters; one whose row can't be used has a problem, and no other market has."""
    try:
        values = current_values(row)
        # The hash is of what was authorised: values that do not fit it were changed by other hands.
        if values_hash(values) == row.values_hash:
            return MarketParameters(quote_parameters(values), risk_parameters(values), row.version, "")
    except Exception as problem:
        # Whatever the row holds: the market stops, the others go on.
        log.error("parameters_unusable", market_id=row.market_id, problem=f"{type(problem).__name__}: {problem}"[:200])
    return MarketParameters(None, None, 0, "parameters_mismatch")


def load_states(now: datetime) -> dict[str, ScopeState]:
    """State of every scope that has a control row."""
    controls = with_demands(TradingControl.objects.all())
    closed = closed_among(name for _, demands in controls for name in demands)
    states = {control.scope: _controlled(control, demands, closed) for control, demands in controls}
    active = Lock.objects.filter(lifted_at__isnull=True).filter(models.Q(until__isnull=True) | models.Q(until__gt=now))
    for lock in active:
        imposed, current = TradingState(lock.state.lower()), states.get(lock.scope)
        if current is not None and imposed.strictness >= current.state.strictness:
            states[lock.scope] = ScopeState(imposed, f"lock_{lock.rule}")
    return states


def _controlled(control: TradingControl, demands: tuple[str, ...], closed: Mapping[str, ClosedGate]) -> ScopeState:
    """What people set; a market that demands a gate which is closed only reduces, unless they set something stricter."""
    found = ScopeState(TradingState(control.state.lower()), f"control_{control.state.lower()}")
    gate = next((closed[name] for name in demands if name in closed), None)
    if gate is None or found.state.strictness >= TradingState.REDUCING.strictness:
        return found
    return ScopeState(TradingState.REDUCING, gate.code)


@dataclass(slots=True)
class GovernedCache:
    """The process' last readings. `refresh` is called at every tick; it reads only what is due."""

    database: DatabaseThreads
    clock: Clock
    _rules: Rules | None = None
    _states: Mapping[str, ScopeState] = field(default_factory=dict)
    _rules_at_s: float = float("-inf")
    _states_at_s: float = float("-inf")
    _reading: asyncio.Task[None] | None = None
    _is_outdated: bool = False  # somebody saw another version than the one held

    async def refresh(self) -> None:
        """Start a reading where one is due; wait for it only if what is held is too old to be used."""
        now_s = self.clock.monotonic_s()
        due = now_s - self._states_at_s >= CONTROLS_EVERY_S or self._rules_due(now_s)
        if due and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(now_s))
        if self._reading is not None and not self._usable(now_s):
            await asyncio.wait([self._reading], timeout=READ_TIMEOUT_S)

    def _usable(self, now_s: float) -> bool:
        return now_s - self._states_at_s <= STALE_S and now_s - self._rules_at_s <= STALE_S

    def _rules_due(self, now_s: float) -> bool:
        return self._is_outdated or now_s - self._rules_at_s >= PARAMETERS_EVERY_S

    async def _read(self, now_s: float) -> None:
        try:
            if self._rules_due(now_s):
                # Before the reading: a change that is told while it runs asks for another one.
                self._is_outdated = False
                self._rules = await self.database.run(load_rules)
                self._rules_at_s = now_s
            self._states = await self.database.run(load_states, to_datetime(self.clock.now_ns()))
            self._states_at_s = now_s
        except Exception as problem:
            log.warning("governed_unreadable", problem=type(problem).__name__)

    def forget_rules(self) -> None:
        """Read the parameters again at the next tick (the gate saw another version)."""
        self._is_outdated = True

    async def reread_rules(self) -> None:
        """Read the parameters again now: a change was told. A reading under way may have been too early for it."""
        self.forget_rules()
        if self._reading is not None and not self._reading.done():
            await asyncio.wait([self._reading], timeout=READ_TIMEOUT_S)
        await self.refresh()

    def markets(self) -> tuple[MarketRef, ...]:
        """Active markets as last read, by id; they stay known while PostgreSQL is away, so that quotes can be taken off."""
        return () if self._rules is None else tuple(self._rules.markets.values())

    @property
    def installation(self) -> str:
        """This installation's name in client order ids; "" until it was read (there are no markets then either)."""
        return "" if self._rules is None else self._rules.installation

    def shared_limits(self, asset: str) -> tuple[SharedLimit | None, SharedLimit | None]:
        """Limits of the asset and of the desk."""
        return (None, None) if self._rules is None else (self._rules.assets.get(asset), self._rules.desk)

    def governed(self, slug: str) -> Governed:
        """State and parameters of a market, or the problem that stops it."""
        if self._rules is None or not self._usable(self.clock.monotonic_s()):
            return Governed(TradingState.HALTED, ("controls_unknown",), None, 0, "controls_unknown")
        desk, own = self._states.get("desk"), self._states.get(slug)
        if desk is None or own is None:
            return Governed(TradingState.HALTED, ("controls_unknown",), None, 0, "controls_unknown")
        held = self._rules.parameters.get(slug, MarketParameters(None, None, 0, "no_parameters"))
        strictest = max((own, desk), key=lambda one: one.state.strictness)
        reasons = () if strictest.state is TradingState.ACTIVE else (strictest.reason,)
        return Governed(strictest.state, reasons, held.quote, held.version, held.problem, held.risk)
