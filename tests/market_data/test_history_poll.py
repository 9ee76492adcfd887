"""Own fills and transfers from the venue's history: every one, in pages, with overlap, from the committed cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal as D

import pytest
import redis.asyncio

from tests.market_data.scripted_venue import ScriptedVenue, fill
from tests.market_data.test_tracker import REF
from trading.clock import FakeClock
from trading.hot_state import inbox, keys
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.incoming import AccountMarkets
from trading.hot_state.values import CursorMove, RawFill, RawFunding, RawTransfer
from trading.market_data.history_poll import HistoryPoll, LaggingCursor
from trading.registry.selectors import MarketRef
from trading.venues.interface import VenueTransfer, VenueUnavailable
from trading.venues.perpetuals import FundingPayment

PERPETUAL = replace(
    REF, id=2, slug="p", venue_symbol="ETH-SWAP", instrument="linear_perpetual", contract_value=D("0.1")
)
HOUR = 3_600_000_000_000


class Poll:
    """A poll over a scripted venue; `committed` is what PostgreSQL would say."""

    def __init__(self, client: redis.asyncio.Redis, *refs: MarketRef) -> None:
        self.client = client
        self.clock = FakeClock()
        self.venue = ScriptedVenue(["m"])
        self.committed: dict[str, str] = {}
        self.own: list[str] = []

        async def read_cursor(account: str, channel: str) -> str:
            return self.committed.get(channel, "")

        markets = AccountMarkets.of(refs)
        self.poll = HistoryPoll(
            self.venue, markets, client, self.clock, read_cursor, lambda slug, trade_id: self.own.append(trade_id)
        )

    def inbox(self) -> list[RawFill | RawTransfer | RawFunding | CursorMove | None]:
        """Everything in the inbox, oldest first, as the ledger reads it."""
        inbox.ensure_group(sync_client())
        return [entry.value for entry in inbox.read_batch(sync_client(), "test", 10_000, block_ms=1)]


@pytest.fixture
async def at(valkey: str) -> AsyncIterator[Poll]:
    client = async_client()
    yield Poll(client, REF)
    await client.aclose()


@pytest.fixture
async def with_perpetual(valkey: str) -> AsyncIterator[Poll]:
    client = async_client()
    yield Poll(client, REF, PERPETUAL)
    await client.aclose()


def numbers(values: list) -> list[str]:
    return [value.trade_id for value in values if isinstance(value, RawFill)]


def moves(values: list) -> list[CursorMove]:
    return [value for value in values if isinstance(value, CursorMove)]


async def test_all_pages_are_drained_and_each_move_follows_what_it_covers(at: Poll) -> None:
    old = at.clock.now_ns() - HOUR
    at.venue.fills = [fill("m", number, old + number) for number in range(1, 251)]
    assert await at.poll.poll() == 250
    values = at.inbox()
    assert numbers(values) == [f"t{number}" for number in range(1, 251)]
    assert moves(values) == [CursorMove("dex-desk", "fills", cursor) for cursor in ("100", "200", "250")]
    assert [index for index, value in enumerate(values) if isinstance(value, CursorMove)] == [100, 201, 252]


async def test_what_the_ledger_needs_is_on_the_fill(at: Poll) -> None:
    at.venue.fills = [fill("m", 7, 123)]
    await at.poll.poll()
    assert at.inbox()[0] == RawFill(
        market="m", venue="dex", account="dex-desk", symbol="DCT/USDT", trade_id="t7", order_id="o7",
        client_order_id="m1b0e1c7", side="buy", price=D("0.25"), size=D(1), maker=True, fee=D("0.001"),
        fee_asset="usdt", venue_ns=123, source="poll", received_ns=at.clock.now_ns(),
    )  # fmt: skip
    assert at.own == ["t7"]


async def test_a_fill_on_a_market_nobody_knows_reaches_the_ledger_before_the_cursor_moves(at: Poll) -> None:
    old = at.clock.now_ns() - HOUR
    at.venue.fills = [fill("venue:XYZ/USDT", 1, old)]
    await at.poll.poll()
    told, move = at.inbox()
    assert isinstance(told, RawFill)
    assert (told.market, told.venue, told.account, told.symbol, told.trade_id) == (
        "venue:XYZ/USDT", "dex", "dex-desk", "XYZ/USDT", "t1",
    )  # fmt: skip
    assert move == CursorMove("dex-desk", "fills", "1")


async def test_recent_fills_are_read_again_and_counted_once(at: Poll) -> None:
    now = at.clock.now_ns()
    at.venue.fills = [fill("m", 1, now - HOUR), fill("m", 2, now - 1_000_000_000), fill("m", 3, now)]
    await at.poll.poll()
    values = at.inbox()
    assert moves(values) == [CursorMove("dex-desk", "fills", "1")]  # 2 and 3 may have late neighbours
    at.committed["fills"] = "1"
    at.venue.fills.insert(2, fill("m", 25, now - 500_000_000, cursor="2"))  # listed late, behind one already read
    await at.poll.poll()
    assert numbers(at.inbox()) == ["t2", "t25", "t3"]
    # Hot inventory counts each key once: 1, 2, 3 and 25.
    assert sync_client().hlen(keys.inbox_pending("m")) == 4


async def test_the_overlap_is_bounded_by_number_too(at: Poll) -> None:
    now = at.clock.now_ns()
    at.venue.fills = [fill("m", number, now) for number in range(1, 81)]
    await at.poll.poll()
    assert moves(at.inbox()) == [CursorMove("dex-desk", "fills", "30")]


async def test_a_redis_that_lost_everything_is_refilled_from_the_committed_cursor(at: Poll) -> None:
    at.committed["fills"] = "2"
    at.venue.fills = [fill("m", number, at.clock.now_ns() - HOUR) for number in range(1, 6)]
    await at.poll.poll()
    sync_client().flushdb()  # before the ledger booked any of it
    await at.poll.poll()
    assert numbers(at.inbox()) == ["t3", "t4", "t5"]


async def test_the_cursor_comes_from_the_database_at_every_poll(at: Poll) -> None:
    at.venue.fills = [fill("m", number, at.clock.now_ns() - HOUR) for number in range(1, 4)]
    await at.poll.poll()
    assert at.venue.polls == ["", "3"]
    await at.poll.poll()  # nothing was booked meanwhile
    assert at.venue.polls[2:] == ["", "3"]


async def test_transfers_take_the_same_way(at: Poll) -> None:
    at.venue.transfers = [VenueTransfer("d1", "usdt", D(100), at.clock.now_ns() - HOUR, "4")]
    await at.poll.poll()
    assert at.inbox() == [
        RawTransfer("dex", "dex-desk", "d1", "usdt", D(100), at.clock.now_ns() - HOUR, "poll", at.clock.now_ns()),
        CursorMove("dex-desk", "transfers", "4"),
    ]


def payment(number: int, venue_ns: int, market: str = "p") -> FundingPayment:
    return FundingPayment(market, str(number), "usdt", D("-0.25"), D(2400), venue_ns, str(number))


async def test_funding_takes_the_same_way_with_a_cursor_of_its_own(with_perpetual: Poll) -> None:
    at, old = with_perpetual, with_perpetual.clock.now_ns() - HOUR
    at.committed["funding"] = "1"
    at.venue.funding = [payment(1, old), payment(2, old), payment(3, old, "venue:XYZ"), payment(4, at.clock.now_ns())]
    await at.poll.poll()
    told = at.inbox()
    assert told[0] == RawFunding(
        "p", "dex", "dex-desk", "ETH-SWAP", "2", "usdt", D("-0.25"), D(2400), old, "poll", at.clock.now_ns()
    )
    assert [(one.market, one.symbol, one.payment_id) for one in told if isinstance(one, RawFunding)] == [
        ("p", "ETH-SWAP", "2"), ("venue:XYZ", "XYZ", "3"), ("p", "ETH-SWAP", "4"),
    ]  # fmt: skip
    # The last one is young: a late neighbour may still come before it.
    assert told[-1] == CursorMove("dex-desk", "funding", "3")


async def test_an_account_without_a_perpetual_is_not_asked_for_funding(at: Poll) -> None:
    await at.poll.poll()
    assert at.venue.funding_polls == []


async def test_a_failing_page_loses_nothing(at: Poll, monkeypatch: pytest.MonkeyPatch) -> None:
    at.venue.fills = [fill("m", number, at.clock.now_ns() - HOUR) for number in range(1, 151)]
    whole = at.venue.fetch_my_trades

    async def broken(market: str | None = None, cursor: str = "", limit: int = 100) -> list:
        if cursor == "100":
            raise VenueUnavailable("gone")
        return await whole(market, cursor, limit)

    monkeypatch.setattr(at.venue, "fetch_my_trades", broken)
    with pytest.raises(VenueUnavailable):
        await at.poll.poll()
    assert moves(at.inbox()) == [CursorMove("dex-desk", "fills", "100")]
    monkeypatch.setattr(at.venue, "fetch_my_trades", whole)
    at.committed["fills"] = "100"
    await at.poll.poll()
    assert numbers(at.inbox()) == [f"t{number}" for number in range(101, 151)]


async def test_a_history_that_stands_still_ends_the_poll(at: Poll, monkeypatch: pytest.MonkeyPatch) -> None:
    async def same(market: str | None = None, cursor: str = "", limit: int = 100) -> list:
        return [fill("m", 1, 0)]

    monkeypatch.setattr(at.venue, "fetch_my_trades", same)
    assert await at.poll.poll() == 2


def test_entries_without_a_cursor_move_nothing() -> None:
    lagging = LaggingCursor("5", HOUR)
    lagging.read("", 0)
    assert lagging.moved_to == "5"
