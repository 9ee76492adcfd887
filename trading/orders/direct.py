"""Taking orders off the venues from a process that holds no connection to them: slow to begin, needs nobody else."""

from __future__ import annotations

import asyncio

from trading.clock import SystemClock
from trading.orders.cancel_all import cancel_all
from trading.registry.selectors import MarketRef
from trading.venues.factory import open_venue

TIMEOUT_S = 5.0


def cancel_directly(markets: tuple[MarketRef, ...]) -> dict[str, int | None]:
    """Cancel everything of these markets' accounts; by market what still rests (None: the venue could not be asked).

    Of an account all orders go, other markets' too: they are quoted again a moment later, if their state allows.
    """
    results = asyncio.run(cancel_all(markets, open_venue, SystemClock(), timeout_s=TIMEOUT_S))
    by_account = {one.account: one.resting for one in results}
    return {market.slug: by_account.get(market.account) for market in markets}
