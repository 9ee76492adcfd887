"""How often the market data service does what it does; tests go faster."""

from __future__ import annotations

from dataclasses import dataclass, field

from trading.market_data.supervision import Backoff


@dataclass(frozen=True, slots=True)
class Cadence:
    """All in seconds. A view is published on a change, at most every `publish_gap_s`, at least every `publish_s`."""

    publish_gap_s: float = 0.05
    publish_s: float = 0.5
    balances_s: float = 5.0
    history_s: float = 15.0
    # While the stream of our own fills is down, the history is all there is.
    history_alone_s: float = 2.0
    clock_s: float = 10.0
    audit_s: float = 5.0
    funding_rate_s: float = 15.0
    rules_s: float = 5.0
    heartbeat_s: float = 1.0
    missing_market_s: float = 60.0
    stop_s: float = 1.5
    backoff: Backoff = field(default_factory=Backoff)
