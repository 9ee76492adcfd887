"""What must hold before trading is loosened: the cycle's own rules, a live connection, a ledger that agrees with the venue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trading.risk.breakers import BreakerConditions, assess_standing
from trading.risk.rules import MarketConditions, assess
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Rule, Verdict

# Reconciliation runs every minute; after five without one nobody knows whether the ledger agrees.
RECONCILED_WITHIN_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class ResumeFacts:
    """One market now. None means not known, and what is not known has failed. `conditions` is None without parameters;
    `reconciled_age_s` is the age of the account's last comparison in s; `closed_gates` are codes of gates that the market demands
    and that are not open (gate_<name>)."""

    conditions: MarketConditions | None
    is_connected: bool | None
    is_reconciled: bool | None
    reconciled_age_s: float | None
    breakers: BreakerConditions | None = None
    closed_gates: tuple[str, ...] = ()


def assess_resume(facts: ResumeFacts) -> tuple[Verdict, ...]:
    """Every rule that speaks against loosening, strictest first; empty when all are satisfied."""
    if facts.conditions is None:
        found = [Verdict(Rule.PARAMETERS, ReasonCode.PARAMETERS_UNKNOWN, TradingState.PAUSED)]
    else:
        found = list(assess(facts.conditions))
        found += [] if facts.breakers is None else assess_standing(facts.breakers)
    found += [one for one in (_connected(facts.is_connected), _reconciled(facts)) if one is not None]
    found += [Verdict(Rule.GATE, ReasonCode(code), TradingState.REDUCING) for code in facts.closed_gates]
    return tuple(sorted(found, key=lambda verdict: -verdict.state_imposed.strictness))


def _connected(is_connected: bool | None) -> Verdict | None:
    if is_connected:
        return None
    return Verdict(Rule.FEED, ReasonCode.FEED_DISCONNECTED, TradingState.PAUSED)


def _reconciled(facts: ResumeFacts) -> Verdict | None:
    age_s = facts.reconciled_age_s
    if facts.is_reconciled is None or age_s is None or age_s > RECONCILED_WITHIN_S:
        return Verdict(Rule.RECONCILIATION, ReasonCode.NOT_RECONCILED, TradingState.REDUCING)
    if not facts.is_reconciled:
        return Verdict(Rule.RECONCILIATION, ReasonCode.RECONCILIATION_DIFFERS, TradingState.REDUCING)
    return None
