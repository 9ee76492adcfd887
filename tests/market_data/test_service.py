"""The service while the desk stays as declared: feeds, failures, own events, recorder, stopping."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.db import connections

from tests.market_data.scripted_venue import book, fill, trade
from tests.market_data.serving import CEX, DEX, GOOD, NOW, Scripts, healthy, sent_by_us, serving, until, view_where
from tests.support.plugin import DATABASE_NAME, SERVERS
from trading.hot_state import inbox, keys, market
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.orders import read_open_orders_sync
from trading.hot_state.values import HotBalance, RawFill
from trading.market_data.recorder import RecorderPolicy
from trading.models import Market
from trading.registry.services import declare_demo_desk
from trading.venues.credentials import MissingCredential
from trading.venues.interface import (
    AuthRejected,
    OrderState,
    OwnOrder,
    ProofOfLife,
    Side,
    StreamReset,
    UnexpectedAnswer,
    VenueUnavailable,
)


@pytest.fixture(scope="module")
def declared(django_db_blocker: object) -> Iterator[None]:
    """One committed desk for the whole module: nothing here changes it."""
    with django_db_blocker.unblock():
        declare_demo_desk(NOW)
        sent_by_us("m1b0e1c1", "m1b0e1c2")
        yield
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


@pytest.fixture
def desk(declared: None, valkey: str) -> None:
    """The desk, and an empty Valkey."""


async def test_views_balances_rules_heartbeat(desk: None) -> None:
    scripts = Scripts()
    scripts.dex.past_trades = {DEX: [trade(DEX, "9", "0.2501", 5)]}
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD, seq=41))
        view = await view_where(client, DEX, healthy, "a healthy view")
        assert (view.reference, view.reference_source, view.book_seq) == (D("0.2501"), "book", 41)
        assert view.book_ok and view.connected and view.proof_age_s < 1
        assert view.sigma_raw == pytest.approx(current_sigma_prior())
        assert [one.trade_id for one in view.trades] == ["9"]

        async def balances() -> bool:
            return await market.read_balances(client, "dex-desk") is not None

        await until(balances, "balances")
        assert market.read_balances_sync("dex-desk").assets == {"usdt": HotBalance(D(1000), D(900))}
        assert market.read_market_info_sync("dex-desk", DEX).tick == D("0.0001")
        assert "market_data" in market.heartbeats()
        # Nothing changes, and yet it is published again and again.
        first = view.published_ns
        await view_where(client, DEX, lambda one: one.published_ns > first + 2e8, "publication without a change")
    assert scripts.dex.closed >= 1


def current_sigma_prior() -> float:
    return float(Market.objects.get(slug=DEX).parameter_set.sigma_prior)


async def test_one_market_failing_does_not_stop_another(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        for _ in range(5):
            scripts.cex.books[CEX].put_nowait(UnexpectedAnswer("field px is missing"))
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "the other venue's market")
        await view_where(client, CEX, lambda one: one.problem == "unexpected_answer", "a coded problem")
        scripts.cex.books[CEX].put_nowait(book(CEX, *GOOD))
        await view_where(client, CEX, healthy, "recovery")
        assert healthy(await market.read_market_view(client, DEX))


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (VenueUnavailable("no connection"), "disconnected"),
        (AuthRejected("the signature was refused"), "auth_rejected"),
        (MissingCredential("set VENUE_CEX_DESK_KEY_ID"), "not_configured"),
    ],
)
async def test_a_venue_that_cannot_be_opened_is_told_and_tried_again(
    desk: None, error: Exception, problem: str
) -> None:
    scripts = Scripts()
    scripts.refusals["cex-desk"] = error
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "the other account")
        view = await view_where(client, CEX, lambda one: one.problem == problem, problem)
        assert (view.connected, view.reference) == (False, None)
        del scripts.refusals["cex-desk"]
        scripts.cex.books[CEX].put_nowait(book(CEX, *GOOD))
        await view_where(client, CEX, healthy, "recovery")


async def test_a_credential_refused_later_shows_on_a_live_market(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")
        scripts.dex.balance_error = AuthRejected("key revoked")
        await view_where(client, DEX, lambda one: one.problem == "auth_rejected" and not one.connected, "auth problem")
        scripts.dex.balance_error = None
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "recovery")


async def test_garbage_on_a_stream_is_counted_and_skipped(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        for item in ("garbage", None, {"type": "book"}, book("somebody-elses", *GOOD), book(DEX, *GOOD)):
            scripts.dex.books[DEX].put_nowait(item)
        for item in (object(), trade(DEX, "1", "0.25", 1)):
            scripts.dex.trades[DEX].put_nowait(item)
        scripts.dex.own.put_nowait("garbage")
        view = await view_where(client, DEX, lambda one: healthy(one) and bool(one.trades), "a view after garbage")
        assert view.trades[0].trade_id == "1"


async def test_own_orders_and_fills(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.own.put_nowait(ProofOfLife("own"))
        scripts.dex.books[DEX].put_nowait(book(DEX, [("0.2501", "5"), ("0.2500", "10")], [("0.2504", "10")]))
        await view_where(client, DEX, lambda one: one.reference == D("0.25025"), "the reference with a foreign bid")
        scripts.dex.own.put_nowait(
            OwnOrder(DEX, "m1b0e1c1", "o1", Side.BUY, D("0.2501"), D(5), D(0), None, OrderState.OPEN, 1)
        )
        await view_where(client, DEX, lambda one: one.reference == D("0.2502"), "the reference without our own bid")
        assert [one.client_order_id for one in read_open_orders_sync(DEX)] == ["m1b0e1c1"]
        scripts.dex.own.put_nowait(fill(DEX, 5, 1, cursor=""))

        async def has_fill() -> bool:
            return await client.hlen(keys.inbox_pending(DEX)) == 1

        await until(has_fill, "the fill in the inbox")
    inbox.ensure_group(sync_client())
    values = [entry.value for entry in inbox.read_batch(sync_client(), "test", block_ms=1)]
    assert [(one.trade_id, one.source, one.venue, one.symbol) for one in values if isinstance(one, RawFill)] == [
        ("t5", "stream", "dex", "DCT/USDT")
    ]


async def test_a_broken_own_stream_is_made_good_by_the_history(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.own.put_nowait(ProofOfLife("own"))

        async def polled() -> bool:
            return len(scripts.dex.polls) >= 1

        await until(polled, "the poll at the start")
        scripts.dex.fills = [fill(DEX, 1, 1)]  # happened while the stream was away
        scripts.dex.own.put_nowait(StreamReset("own", "reconnected"))

        async def has(count: int) -> bool:
            return await client.hlen(keys.inbox_pending(DEX)) == count

        await until(lambda: has(1), "the fill missed by the stream")
        scripts.dex.fills.append(fill(DEX, 2, 2))
        scripts.dex.own.put_nowait(VenueUnavailable("socket dropped"))
        await until(lambda: has(2), "the fill missed by the broken stream")


async def test_anybody_can_ask_for_a_poll(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.own.put_nowait(ProofOfLife("own"))
        scripts.dex.fills = [fill(DEX, 1, 1)]
        await asyncio.to_thread(market.push_poll_request_sync, "dex-desk", "webhook with a stale stamp")

        async def has_fill() -> bool:
            return await client.hlen(keys.inbox_pending(DEX)) == 1

        await until(has_fill, "the fill after the request")


async def test_a_stream_that_stands_still_is_found_out(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")
        scripts.dex.rest_books[DEX] = book(DEX, [("0.2400", "10")], [("0.2402", "10")])
        await view_where(client, DEX, lambda one: one.problem == "stale_book" and not one.book_ok, "the stale book")
        scripts.dex.books[DEX].put_nowait(scripts.dex.rest_books[DEX])
        view = await view_where(client, DEX, healthy, "the stream started again")
        assert view.reference == D("0.2401")


async def test_a_recorder_that_cannot_write_leaves_the_market_alone(desk: None, tmp_path: Path) -> None:
    blocked = tmp_path / "records"
    blocked.write_text("a file where the folder should be")
    scripts = Scripts()
    async with serving(scripts, RecorderPolicy(blocked)) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")


async def test_stop_is_quick_while_a_venue_hangs(desk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = Scripts()

    async def hang() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(scripts.cex, "open", hang)
    monkeypatch.setattr(scripts.cex, "close", hang)
    async with serving(scripts) as client:  # leaving it has a deadline of its own
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")


def resting(client_order_id: str, state: OrderState = OrderState.OPEN) -> OwnOrder:
    return OwnOrder(DEX, client_order_id, "o1", Side.BUY, D("0.2501"), D(5), D(0), None, state, 1)


async def test_an_order_that_ended_unheard_is_found_out(desk: None) -> None:
    scripts = Scripts()
    scripts.dex.orders = {"m1b0e1c1": resting("m1b0e1c1")}
    async with serving(scripts):

        async def live(ids: list[str]) -> bool:
            return [one.client_order_id for one in await asyncio.to_thread(read_open_orders_sync, DEX)] == ids

        await until(lambda: live(["m1b0e1c1"]), "the resting order adopted")
        scripts.dex.orders = {
            "m1b0e1c1": resting("m1b0e1c1", OrderState.CANCELLED),
            "m1b0e1c2": resting("m1b0e1c2"),
        }
        scripts.dex.own.put_nowait(StreamReset("own", "reconnected"))
        await until(lambda: live(["m1b0e1c2"]), "the cancelled order gone, the new one known")


async def test_a_redis_that_lost_everything_is_filled_again(desk: None) -> None:
    scripts = Scripts()
    scripts.dex.fills = [fill(DEX, 1, 1)]
    scripts.dex.orders = {"m1b0e1c1": resting("m1b0e1c1")}
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        await view_where(client, DEX, healthy, "a healthy view")
        await client.flushdb()

        async def all_back() -> bool:
            found = await client.exists(
                keys.market_view(DEX),
                keys.market_info("dex-desk"),
                keys.balances("dex-desk"),
                keys.open_orders(DEX),
                keys.inbox_pending(DEX),
                keys.heartbeat("market_data"),
            )
            return found == 6

        await until(all_back, "everything written again")


async def test_cut_connections_to_redis_are_made_anew(desk: None) -> None:
    scripts = Scripts()
    async with serving(scripts) as client:
        scripts.dex.books[DEX].put_nowait(book(DEX, *GOOD))
        before = await view_where(client, DEX, healthy, "a healthy view")
        await asyncio.to_thread(sync_client().execute_command, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        fresh = async_client()
        try:
            await view_where(fresh, DEX, lambda one: one.published_ns > before.published_ns + 2e8, "publishing goes on")
        finally:
            await fresh.aclose()
