"""Inputs for strategy tests: one sound market, changed field by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trading.parameters.schema import DEFAULTS
from trading.risk.states import SidePermission
from trading.strategy.parameters import QuoteParameters, quote_parameters
from trading.strategy.quote_types import Balances, MarketRules, QuoteInputs, Reference


def parameters(**overrides: str) -> QuoteParameters:
    """The schema's defaults with some values replaced."""
    return quote_parameters({**DEFAULTS, **overrides})


def market(**overrides: Any) -> MarketRules:
    values: dict[str, Any] = {
        "tick": Decimal("0.01"),
        "lot_step": Decimal("0.001"),
        "lot_size": Decimal(1),
        "min_size": Decimal("0.001"),
        "min_notional": Decimal("0.01"),
        "maker_fee_bps": 0.5,
        "max_fee_bps": Decimal(5),
    }
    return MarketRules(**{**values, **overrides})


def inputs(**overrides: Any) -> QuoteInputs:
    """Reference 100.00, book 99.99 / 100.01, q 0, sigma 1e-4, room for every size."""
    values: dict[str, Any] = {
        "reference": Reference(100.0, "book", 0.1),
        "best_bid": Decimal("99.99"),
        "best_ask": Decimal("100.01"),
        "q_lots": 0.0,
        "sigma": 1e-4,
        "widen_factor": 1.0,
        "bid_permission": SidePermission.ALL,
        "ask_permission": SidePermission.ALL,
        "market": market(),
        "balances": Balances(Decimal(1000), Decimal(100_000)),
        "parameters": parameters(),
    }
    return QuoteInputs(**{**values, **overrides})
