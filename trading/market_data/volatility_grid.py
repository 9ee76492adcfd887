"""Feeds the EWMA volatility with reference prices and breaks its chain of returns where the feed had a gap. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from trading.market_data.reference import Reference, ReferenceSource
from trading.strategy.volatility import EwmaParams, EwmaState, Volatility, initial_state, step, volatility

ROLLING_MID_S = 60.0


@dataclass(frozen=True, slots=True)
class StoredVolatility:
    """What the last persisted snapshot said, `age_s` ago."""

    sigma_raw: float
    samples: int
    age_s: float


# An older measurement says less than the stated prior.
RESTORE_MAX_AGE_S = 3600.0


def restored_state(stored: StoredVolatility | None, params: EwmaParams) -> EwmaState:
    """State to start with: the stored variance where it is fresh enough, else the prior. It counts as measured (warm)
    only while it is hardly older than what it measured."""
    if stored is None or stored.age_s > RESTORE_MAX_AGE_S or not math.isfinite(stored.sigma_raw):
        return initial_state(params)
    still_warm = stored.age_s <= params.lookback_s + 60.0
    return EwmaState(variance=stored.sigma_raw**2, samples=stored.samples if still_warm else 0)


class VolatilityGrid:
    """Volatility and rolling mid of one market's reference price."""

    def __init__(self, params: EwmaParams, stored: StoredVolatility | None = None) -> None:
        self._params = params
        self._state = restored_state(stored, params)
        self._source = ReferenceSource.NONE
        self._gaps = 0
        self._mids: deque[tuple[float, float]] = deque()

    def use(self, params: EwmaParams) -> None:
        """Parameters changed. Another grid step measures something else: it starts from the prior."""
        if params.step_s != self._params.step_s:
            self._state = initial_state(params)
        self._params = params

    def see(self, reference: Reference, feed_gaps: int, now_s: float) -> None:
        """The reference at `now_s` (monotonic). No source, another source or a gap of the feed starts a new chain."""
        broken = reference.source is not self._source or feed_gaps != self._gaps
        self._source, self._gaps = reference.source, feed_gaps
        if broken:
            self._state = replace(self._state, last_price=None, grid_price=None)
        if reference.price is None:
            return
        price = float(reference.price)
        self._state = step(self._state, price, now_s, self._params)
        self._roll(price, now_s)

    def _roll(self, price: float, now_s: float) -> None:
        """At most one price a grid step, so that busy seconds weigh no more than quiet ones."""
        if not self._mids or now_s - self._mids[-1][0] >= self._params.step_s:
            self._mids.append((now_s, price))
        while self._mids and now_s - self._mids[0][0] > ROLLING_MID_S:
            self._mids.popleft()

    def rolling_mid(self, now_s: float) -> float | None:
        """Mean reference of the last minute, None where there was none."""
        prices = [price for at_s, price in self._mids if now_s - at_s <= ROLLING_MID_S]
        return sum(prices) / len(prices) if prices else None

    @property
    def volatility(self) -> Volatility:
        return volatility(self._state, self._params)
