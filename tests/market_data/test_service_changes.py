"""The service while the desk changes: markets, parameters, volatility kept over a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from tests.market_data.scripted_venue import book, fill
from tests.market_data.serving import CEX, DEX, GOOD, NOW, Scripts, healthy, serving, until, view_where
from trading.hot_state import keys
from trading.hot_state.codec import decode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import RawFill
from trading.market_data.volatility_store import last_volatility, persist_volatility
from trading.models import Market, VolatilitySnapshot
from trading.parameters.services import apply_version, current_values
from trading.registry.services import declare_demo_desk
from trading.strategy.volatility import Regime, Volatility


@pytest.fixture
def desk(committed_db: None, valkey: str) -> None:
    """A desk of this test's own: it is changed."""
    declare_demo_desk(NOW)


async def test_a_market_the_venue_does_not_list_leaves_its_neighbour_alone(desk: None) -> None:
    row = Market.objects.get(slug=CEX)
    row.account = Market.objects.get(slug=DEX).account
    row.save()
    scripts = Scripts()
    scripts.dex.unknown = {CEX}
    scripts.dex.books[CEX] = asyncio.Queue()
    scripts.dex.trades[CEX] = asyncio.Queue()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "the listed market")
        await view_where(client, CEX, lambda one: one.problem == "unknown_market", "the unlisted market")
        scripts.dex.unknown = set()  # listed at last
        scripts.dex.books[CEX].put_nowait(book(CEX, *GOOD))
        await view_where(client, CEX, healthy, "the market listed later")


async def test_fills_of_a_market_switched_off_still_reach_the_ledger(desk: None) -> None:
    row = Market.objects.get(slug=CEX)
    row.account, row.is_active = Market.objects.get(slug=DEX).account, False
    row.save()
    scripts = Scripts()
    scripts.dex.fills = [fill(CEX, 1, 1)]
    scripts.dex.own.put_nowait(fill(CEX, 2, 2, cursor=""))
    async with serving(scripts):

        def told() -> set[tuple[str, ...]]:
            raw = sync_client().xrange(keys.INBOX_STREAM)
            bodies = [decode(one[b"b"], RawFill) for _, one in raw if one[b"k"] == b"fill"]
            return {(one.trade_id, one.market, one.symbol, one.account) for one in bodies}

        async def both() -> bool:
            expected = {(trade, CEX, row.venue_symbol, "dex-desk") for trade in ("t1", "t2")}
            return await asyncio.to_thread(told) == expected

        await until(both, "the polled and the streamed fill in the inbox, under the market's own name")


async def test_new_parameters_take_effect(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")

        def narrow() -> None:
            row = Market.objects.get(slug=DEX)
            values = current_values(row.parameter_set) | {"ref_max_width_bps": D(5)}
            apply_version(
                row, values, authorised_by="test", actor_id="1", actor_name="t", reason="narrower", now=NOW
            )  # fmt: skip

        await asyncio.to_thread(narrow)
        await view_where(client, DEX, lambda one: one.reference is None, "the narrower bound (the book is 8 bps wide)")


async def test_a_market_switched_off_is_let_go(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")
        await asyncio.to_thread(lambda: Market.objects.filter(slug=CEX).update(is_active=False))

        async def closed() -> bool:
            return scripts.cex.closed > 0

        await until(closed, "the other account's session closed")
        opened = scripts.cex.opened
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "the remaining market")
        assert scripts.cex.opened == opened


def measured(raw: float) -> Volatility:
    return Volatility(raw=raw, effective=max(raw, 1e-5), regime=Regime.NORMAL, warm=True, samples=60)


def test_one_snapshot_a_minute_however_often_it_is_written(desk: None) -> None:
    market_id = Market.objects.get(slug=DEX).pk
    assert persist_volatility({market_id: measured(2e-4)}, NOW) == 1
    persist_volatility({market_id: measured(9e-4)}, NOW.replace(second=59))
    persist_volatility({market_id: measured(3e-4)}, NOW.replace(minute=1, second=0))
    rows = VolatilitySnapshot.objects.filter(market_id=market_id).order_by("minute")
    assert [(row.minute.minute, row.sigma_raw, row.regime, row.samples) for row in rows] == [
        (0, 2e-4, "normal", 60),
        (1, 3e-4, "normal", 60),
    ]
    (stored,) = last_volatility([market_id], NOW.replace(minute=2)).values()
    assert (stored.sigma_raw, stored.samples, stored.age_s) == (3e-4, 60, 90.0)


async def test_the_service_starts_from_the_stored_volatility(desk: None) -> None:
    row = await asyncio.to_thread(Market.objects.get, slug=DEX)
    await asyncio.to_thread(persist_volatility, {row.pk: replace(measured(7e-4))}, datetime.now(UTC))
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        view = await view_where(client, DEX, healthy, "a healthy view")
        assert (view.sigma_raw, view.vol_samples) == (pytest.approx(7e-4), 60)
