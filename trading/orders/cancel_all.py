"""Cancelling everything of ours on every venue, again and again until the venue shows none; needs neither Redis nor a lease.

For the end of the system (workers are stopped before) and for emergencies. It changes no trading state: whoever wants quotes
to stay away pauses or kills first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trading.clock import Clock
from trading.registry.selectors import MarketRef
from trading.venues.interface import Venue, VenueError

PAUSE_S = 0.1
OpenVenue = Callable[[Sequence[MarketRef], str, Clock], Venue]


@dataclass(frozen=True, slots=True)
class AccountCancelled:
    """`resting`: orders the venue still showed at the end (None: it could not be asked). `problem` is "" when all went."""

    account: str
    cancelled: int
    resting: int | None
    problem: str


async def cancel_all(
    markets: Sequence[MarketRef],
    open_venue: OpenVenue,
    clock: Clock,
    *,
    timeout_s: float = 5.0,
    go: asyncio.Event | None = None,
) -> tuple[AccountCancelled, ...]:
    """Every account side by side, each within `timeout_s`. Never raises for a venue.

    With `go`, the venues are opened at once but nothing is cancelled before it is set: the time counts from there.
    """
    accounts = sorted({market.account for market in markets})
    return tuple(
        await asyncio.gather(*(_account(markets, account, open_venue, clock, timeout_s, go) for account in accounts))
    )


async def _account(
    markets: Sequence[MarketRef],
    account: str,
    open_venue: OpenVenue,
    clock: Clock,
    timeout_s: float,
    go: asyncio.Event | None,
) -> AccountCancelled:
    progress = {"cancelled": 0}
    try:
        venue = open_venue(markets, account, clock)
    except Exception as problem:
        return AccountCancelled(account, 0, None, f"{type(problem).__name__}: {str(problem)[:200]}")
    try:
        async with asyncio.timeout(timeout_s) as limit:
            await venue.open()
            if go is not None:
                limit.reschedule(None)
                await go.wait()
                limit.reschedule(asyncio.get_running_loop().time() + timeout_s)
            await _until_none(venue, progress)
        return AccountCancelled(account, progress["cancelled"], 0, "")
    except TimeoutError:
        return AccountCancelled(account, progress["cancelled"], None, f"not done within {timeout_s:g} s")
    except Exception as problem:
        return AccountCancelled(account, progress["cancelled"], None, f"{type(problem).__name__}: {str(problem)[:200]}")
    finally:
        await venue.close()


async def _until_none(venue: Venue, progress: dict[str, int]) -> None:
    while True:
        try:
            progress["cancelled"] += await venue.cancel_all()
            if not await venue.fetch_open_orders():
                return
        except VenueError:
            # A throttled or failed round is followed by another one until the time is over.
            await asyncio.sleep(PAUSE_S)
        await asyncio.sleep(PAUSE_S)
