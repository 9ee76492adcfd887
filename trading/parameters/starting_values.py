"""First parameter set of each sandbox market, fitted to its record; how and how well: docs/parameters.md.

Complete sets of strings by parameter name, ready for `validate` and for version 1. `lot_size` is what the market
is registered with; the deposits are what the portal's venue account starts with, and `q_target_lots` is exactly
the base deposit in lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trading.parameters.schema import DEFAULTS


@dataclass(frozen=True, slots=True)
class StartingSet:
    """`lot_size` base units; deposits in base and quote units; `maker_fee_bps` what the set was checked with.

    Of a perpetual: base units per contract, and the part of the notional that the venue asks for; 1 and 1 for spot.
    """

    lot_size: str
    deposit_base: str
    deposit_quote: str
    maker_fee_bps: str
    values: dict[str, str]
    contract_value: str = "1"
    initial_margin: str = "1"


STARTING_VALUES: Final[dict[str, StartingSet]] = {
    "dct-usdt-dex": StartingSet(
        lot_size="1000",
        deposit_base="200000",
        deposit_quote="100000",
        maker_fee_bps="0.5",
        values={
            **DEFAULTS,
            "gamma": "20",
            "kappa": "5000",
            "spread_floor_bps": "5",
            "q_target_lots": "200",
            "sigma_prior": "0.00011",
        },
    ),
    "gram-usdt-cex": StartingSet(
        lot_size="100",
        deposit_base="20000",
        deposit_quote="50000",
        maker_fee_bps="1",
        values={
            **DEFAULTS,
            "gamma": "1",
            "kappa": "1200",
            "spread_floor_bps": "8",
            "q_target_lots": "200",
            "sigma_prior": "0.0006",
            "refresh_tolerance_bps": "1.5",
        },
    ),
    "eth-usdt-perp": StartingSet(
        lot_size="0.1",
        deposit_base="0",
        deposit_quote="50000",
        maker_fee_bps="0.8",
        values={
            **DEFAULTS,
            "gamma": "20",
            "kappa": "5000",
            "spread_floor_bps": "5",
            "q_target_lots": "0",
            "sigma_prior": "0.00012",
        },
        contract_value="0.1",
        initial_margin="0.2",
    ),
}
