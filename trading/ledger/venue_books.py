"""An account as its venue keeps it, read through the Venue interface alone: own fills, transfers, funding, balances,
positions, open orders."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TypeVar

from trading.venues.interface import OwnFill, OwnOrder, RateLimited, Venue, VenueTransfer
from trading.venues.perpetuals import FundingPayment

PAGE = 100
# A safety net against a cursor that never ends; far above what an account trades in a venue's history.
MOST_PAGES = 20_000
SETTLE_ATTEMPTS = 20
# A reading that the venue's request limit holds up waits, several times on end; whoever asked for it bounds the whole.
PAUSE_S, LONGEST_PAUSE_S, MOST_PAUSES = 2.0, 10.0, 6

Told = TypeVar("Told")
Entry = TypeVar("Entry", OwnFill, VenueTransfer, FundingPayment)


class HistoryStandsStill(Exception):
    """The venue's history gave a page whose cursor does not move on."""


FillIdentity = tuple[str, str, str]  # market slug, trade id, order id


def identity(fill: OwnFill) -> FillIdentity:
    """A fill's identity within its account."""
    return fill.market, fill.trade_id, fill.venue_order_id


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far an account's history was read, by channel; "" is its beginning."""

    fills: str = ""
    transfers: str = ""
    funding: str = ""


@dataclass(slots=True)
class VenueBooks:
    """What the venue told, as of `cursor` and `transfers_cursor` (the watermark): fills, transfers and funding since `start`,
    totals by asset, positions on perpetuals (base, by market).

    `is_settled` False: fills kept coming while the balances were read, so that the two do not belong to one moment.
    """

    start: Watermark
    cursor: str
    transfers_cursor: str
    funding_cursor: str
    fills: list[OwnFill] = field(default_factory=list)
    transfers: list[VenueTransfer] = field(default_factory=list)
    balances: dict[str, Decimal] = field(default_factory=dict)
    orders: tuple[OwnOrder, ...] = ()
    is_settled: bool = False
    funding: list[FundingPayment] = field(default_factory=list)
    positions: dict[str, Decimal] = field(default_factory=dict)


def new_books(start: Watermark) -> VenueBooks:
    """Books with nothing read yet; history will be read from `start`."""
    return VenueBooks(start, start.fills, start.transfers, start.funding)


async def patiently(ask: Callable[[], Awaitable[Told]]) -> Told:
    """What `ask` reads, asked again after the pause that the venue names wherever its request limit refuses.

    Raises what the venue raises; `RateLimited` after `MOST_PAUSES` on end.
    """
    for _ in range(MOST_PAUSES):
        try:
            return await ask()
        except RateLimited as refused:
            pause_s = min(refused.retry_after_s or PAUSE_S, LONGEST_PAUSE_S)
            # Several processes ask the same venue at a start; not all of them come back in the same moment.
            await asyncio.sleep(pause_s * random.uniform(1.0, 1.5))
    return await ask()


async def read_on(venue: Venue, books: VenueBooks) -> None:
    """Read what came since the last reading, then balances and orders, until both belong to the same watermark.

    Raises what the venue raises, and `HistoryStandsStill`.
    """
    await _read_history(venue, books)
    for _ in range(SETTLE_ATTEMPTS):
        balances = await patiently(venue.fetch_balances)
        positions = await patiently(venue.fetch_positions)
        books.orders = tuple(await patiently(venue.fetch_open_orders))
        books.is_settled = await _read_history(venue, books) == 0
        books.balances = {balance.asset: balance.total for balance in balances}
        books.positions = {position.market: position.q for position in positions}
        if books.is_settled:
            return


async def _read_history(venue: Venue, books: VenueBooks) -> int:
    fills, books.cursor = await _drain(lambda cursor: venue.fetch_my_trades(None, cursor, PAGE), books.cursor)
    transfers, books.transfers_cursor = await _drain(
        lambda cursor: venue.fetch_transfers(cursor, PAGE), books.transfers_cursor
    )
    books.fills.extend(fills)
    books.transfers.extend(transfers)
    return len(fills) + len(transfers) + await read_funding(venue, books)


async def read_funding(venue: Venue, books: VenueBooks) -> int:
    """Read the funding that came since the last reading; how many payments. Raises as `read_on`."""
    funding, books.funding_cursor = await _drain(
        lambda cursor: venue.fetch_funding(None, cursor, PAGE), books.funding_cursor
    )
    books.funding.extend(funding)
    return len(funding)


async def _drain(fetch: Callable[[str], Awaitable[Sequence[Entry]]], cursor: str) -> tuple[list[Entry], str]:
    found: list[Entry] = []
    for _ in range(MOST_PAGES):
        page = await patiently(partial(fetch, cursor))
        if not page:
            return found, cursor
        found.extend(page)
        if not page[-1].cursor or page[-1].cursor == cursor:
            raise HistoryStandsStill("a page of the venue's history has no cursor to go on from")
        cursor = page[-1].cursor
    raise HistoryStandsStill(f"the venue's history has more than {MOST_PAGES} pages")
