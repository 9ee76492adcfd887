"""What the rooms of one venue's server share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from trading.sandbox.exchange import Exchange
from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.errors import ApiError
from trading.sandbox.server.faults import Faults
from trading.sandbox.server.keys import KeyRing
from trading.sandbox.server.throttle import DEX_LIMITS, OKX_LIMITS, Throttle
from trading.sandbox.types import Instrument

DIALECTS = ("dex", "cex")


@dataclass(slots=True)
class Venue:
    """One venue: its engine and everything between the engine and the wire."""

    name: str  # dex | cex: which dialect it speaks
    exchange: Exchange
    keys: KeyRing
    clock: VenueClock
    faults: Faults
    throttle: Throttle
    labels: Mapping[str, str] = field(default_factory=dict)  # symbol -> what the market is
    control_token: str = field(default="", repr=False)
    halted: bool = False  # the engine's ledger failed; the process has to restart
    last_market_event: float = field(default_factory=time.monotonic)

    def instrument(self, symbol: str) -> Instrument:
        """The market of that name; 404 `unknown_symbol` when there is none."""
        found = self.exchange.instruments.get(symbol)
        if found is None:
            raise ApiError(404, "unknown_symbol", "no such market")
        return found


def throttle_for(venue: str, scale: float) -> Throttle:
    """The documented limits of a dialect."""
    return Throttle(DEX_LIMITS if venue == "dex" else OKX_LIMITS, time.monotonic, scale)
