"""V08 to V10, V12, V17, V23, V24, V26, V27, V31: what goes wrong between us and the venue."""

from __future__ import annotations

import asyncio
import logging
import time
from decimal import Decimal

import pytest

from tests.venues.contract import behaviour
from tests.venues.stage import ACCOUNT, Stage, adapter_for, in_ns, plain
from tests.venues.tampering import tampered
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.venues.credentials import Credential
from trading.venues.interface import (
    AmendRequest,
    AuthRejected,
    NotSent,
    OrderBook,
    OrderState,
    OutcomeUnknown,
    OwnFill,
    RateLimited,
    RejectReason,
    StreamReset,
    UnexpectedAnswer,
    VenueError,
    VenueRejected,
    VenueUnavailable,
)


@behaviour(
    "V08",
    "no answer after sending is an unknown outcome, later found by client id; nothing is sent twice",
    timeout_s=0.8,
)
async def v08(stage: Stage) -> None:
    faults = stage.venue.faults
    for kind in (FaultKind.LATENCY_AFTER, FaultKind.DROP_AFTER):
        faults.add(FaultRule(kind, endpoint="place", count=1, delay_s=1.2))
        request = stage.order()
        with pytest.raises(OutcomeUnknown):
            await stage.adapter.submit_order(request)
        found = await stage.adapter.fetch_order(stage.market, request.client_order_id)
        assert found is not None
        assert plain(found)[1:] == (request.side, request.price, request.size, 0, OrderState.OPEN)
    # A connection that breaks after an amendment or a cancel was read: aiohttp would repeat these by itself.
    for endpoint in ("amend", "cancel"):
        faults.clear()
        faults.applied.clear()
        faults.add(FaultRule(FaultKind.DROP_AFTER, endpoint=endpoint))
        change = AmendRequest(stage.market, request.client_order_id, request.price, request.size * 2)
        with pytest.raises(OutcomeUnknown):
            if endpoint == "amend":
                await stage.adapter.amend_order(change)
            else:
                outcome = stage.adapter.cancel_order(stage.market, request.client_order_id)
                await outcome
        assert faults.applied["drop_after"] == 1
    assert stage.truth(request.client_order_id).size == request.size * 2
    assert stage.truth(request.client_order_id).status.value == "cancelled"


@behaviour("V09", "a 5xx after executing is an unknown outcome, and the order is found")
async def v09(stage: Stage) -> None:
    stage.venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="place", count=1, status=502))
    request = stage.order()
    with pytest.raises(OutcomeUnknown):
        await stage.adapter.submit_order(request)
    found = await stage.adapter.fetch_order(stage.market, request.client_order_id)
    assert found is not None
    assert found.state is OrderState.OPEN


@behaviour(
    "V10", "a 5xx before executing is an unknown outcome too; a look finds nothing and the client id is still free"
)
async def v10(stage: Stage) -> None:
    stage.venue.faults.add(FaultRule(FaultKind.ERROR_BEFORE, endpoint="place", count=1))
    request = stage.order()
    with pytest.raises(OutcomeUnknown):
        await stage.adapter.submit_order(request)
    assert await stage.adapter.fetch_order(stage.market, request.client_order_id) is None
    await stage.adapter.submit_order(request)
    assert stage.open_ids() == {request.client_order_id}
    stage.venue.faults.add(FaultRule(FaultKind.ERROR_BEFORE, endpoint="balances", count=1))
    with pytest.raises(VenueUnavailable):
        await stage.adapter.fetch_balances()


@behaviour("V12", "a 429 is told with its Retry-After, and the next request waits that long here", rate_scale=1.0)
async def v12(stage: Stage) -> None:
    stage.venue.faults.add(FaultRule(FaultKind.RATE_LIMITED, endpoint="place", count=1, retry_after_s=0.45))
    request = stage.order()
    with pytest.raises(RateLimited) as refused:
        await stage.adapter.submit_order(request)
    assert refused.value.retry_after_s == pytest.approx(0.45)
    assert stage.truth(request.client_order_id) is None
    started_s = time.monotonic()
    await stage.adapter.submit_order(request)
    assert time.monotonic() - started_s >= 0.4
    assert stage.open_ids() == {request.client_order_id}
    started_s = time.monotonic()
    await stage.adapter.cancel_order(stage.market, request.client_order_id)
    assert time.monotonic() - started_s < 0.5  # what slows new orders does not hold up a cancel


@behaviour("V17", "a venue's clock far from ours is measured at open() and again when it moves", clock_skew_s=45.0)
async def v17(stage: Stage) -> None:
    ours_ns = time.time_ns()
    assert 44 < (await stage.adapter.server_time_ns() - ours_ns) / 1e9 < 46
    request = stage.order(deadline_ns=in_ns(1.0))
    await stage.adapter.submit_order(request)
    stage.venue.clock.skew_s = -45.0
    assert await stage.adapter.fetch_balances()  # a read is asked again with the right stamp
    stage.venue.clock.skew_s = 90.0
    moved = stage.order(deadline_ns=in_ns(30.0))
    with pytest.raises(VenueError) as refused:
        await stage.adapter.submit_order(moved)
    assert isinstance(refused.value, AuthRejected)
    assert stage.truth(moved.client_order_id) is None
    await stage.adapter.submit_order(moved)  # a write is not repeated by itself, the next one goes through
    assert stage.open_ids() == {request.client_order_id, moved.client_order_id}


@behaviour("V23", "malformed answers and messages are errors of one request or resets of one stream, never a crash")
async def v23(stage: Stage) -> None:
    async with tampered(stage) as (proxy, adapter):
        await adapter.open()
        for garbage in (b"<html>gateway</html>", b"[]", b"{}", b'{"order":{}}', b'{"data":[{}]}', b"\xff\xfe"):
            proxy.body = garbage
            for read in (adapter.fetch_balances(), adapter.fetch_my_trades(), adapter.fetch_open_orders()):
                with pytest.raises((UnexpectedAnswer, VenueUnavailable)):
                    await read
            with pytest.raises(OutcomeUnknown):
                await adapter.submit_order(stage.order())
        proxy.body = None
        book, own = stage.record(adapter.stream_book(stage.market)), stage.record(adapter.stream_own())
        await book.until(lambda: book.of(OrderBook))
        await own.until(lambda: own.of(StreamReset))
        resets = len(book.of(StreamReset))
        for number, text in enumerate(
            ('{"broken": ', "[]", '{"type":"book_delta","arg":{"channel":"books"},"seq":"x"}')
        ):
            proxy.message = text
            stage.show(stage.dialect.bid - stage.dialect.step)
            await asyncio.sleep(0.05)
            proxy.message = None
            healed = stage.dialect.bid - stage.dialect.step * (number + 2)
            stage.show(healed)
            await book.until(lambda price=healed: book.of(OrderBook)[-1].bids[0].price == price, 9.0)
        assert len(book.of(StreamReset)) > resets
        stage.show(stage.dialect.bid + stage.dialect.step)
        wanted = stage.dialect.bid + stage.dialect.step
        await book.until(lambda: book.of(OrderBook)[-1].bids[0].price == wanted)
        request = stage.order(price=wanted + stage.dialect.step)
        await adapter.submit_order(request)
        stage.sell_into(wanted, Decimal(1))
        await own.until(lambda: own.of(OwnFill))


@behaviour("V24", "a wrong credential is AuthRejected, and no credential shows in error, repr or log", opened=False)
async def v24(stage: Stage) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    good = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    wrong = Credential(good.key_id, "not-the-secret-9f3a", good.passphrase and "not-the-phrase-77c1")
    records: list[str] = []

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler = Everything(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        for credential in (wrong, Credential("nobody", wrong.secret, wrong.passphrase)):
            adapter = adapter_for(stage.dialect, stage.venue.base_url, credential, timeout_s=2.0)
            with pytest.raises(AuthRejected) as refused:
                await adapter.open()
            shown = [str(refused.value), repr(refused.value), repr(adapter), repr(credential), repr(vars(adapter))]
            records.extend(shown)
        await stage.adapter.open()
        await stage.adapter.submit_order(stage.order())
        records.append(repr(vars(stage.adapter)))
    finally:
        logging.getLogger().removeHandler(handler)
    secrets = [wrong.secret, good.secret, *filter(None, (wrong.passphrase, good.passphrase))]
    assert not [text for text in records if any(secret in text for secret in secrets)]


@behaviour("V26", "an unreachable venue: open() and reads are VenueUnavailable, writes NotSent", opened=False)
async def v26(stage: Stage) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    credential = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    nowhere = adapter_for(stage.dialect, f"http://127.0.0.1:{port}", credential, timeout_s=0.5)
    with pytest.raises(VenueUnavailable):
        await nowhere.open()
    with pytest.raises(NotSent):
        await nowhere.submit_order(stage.order())
    async with tampered(stage) as (proxy, adapter):
        await adapter.open()
        await proxy.stop()
        with pytest.raises(NotSent):
            await adapter.submit_order(stage.order())
        with pytest.raises(VenueUnavailable):
            await adapter.fetch_balances()
    assert stage.venue.exchange.open_orders(ACCOUNT) == []


@behaviour("V27", "an unknown market is refused at open() with what the venue offers nearby", opened=False)
async def v27(stage: Stage) -> None:
    from dataclasses import replace

    listed = stage.dialect.market.venue_symbol
    strange = replace(stage.dialect.market, venue_symbol=listed.replace("USDT", "USDC"))
    credential = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    adapter = adapter_for(stage.dialect, stage.venue.base_url, credential, timeout_s=2.0, market=strange)
    with pytest.raises(VenueRejected) as refused:
        await adapter.open()
    assert refused.value.reason is RejectReason.UNKNOWN_MARKET
    assert strange.venue_symbol in str(refused.value)
    assert listed in str(refused.value)
    spelt = replace(stage.dialect.market, venue_symbol=listed.replace("/", "_").replace("-", "_"))
    adapter = adapter_for(stage.dialect, stage.venue.base_url, credential, timeout_s=2.0, market=spelt)
    await adapter.open()
    assert (await adapter.market_info(spelt.slug)).venue_symbol == listed
    await adapter.close()


@behaviour("V31", "an adapter that is closed sends nothing, and closing twice is harmless")
async def v31(stage: Stage) -> None:
    await stage.adapter.close()
    await stage.adapter.close()
    with pytest.raises(NotSent):
        await stage.adapter.submit_order(stage.order())
    with pytest.raises(VenueError):
        await stage.adapter.fetch_balances()
    assert stage.open_ids() == set()
