"""V38 to V43: clocks that step, words that are not the venue's, and an open() that is given up."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import Any

import pytest

from tests.venues.contract import behaviour
from tests.venues.stage import Recorder, Stage, adapter_for, in_ns
from tests.venues.tampering import tampered
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.venues.credentials import Credential
from trading.venues.interface import NotSent, OutcomeUnknown, RejectReason, StreamReset, VenueRejected


async def assert_kept_when_held_up(stage: Stage) -> None:
    """An order that the way to the venue holds up beyond its deadline is refused."""
    stage.venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint="place", count=1, delay_s=1.0))
    late = stage.order(deadline_ns=in_ns(0.6))
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(late)
    assert refused.value.reason is RejectReason.DEADLINE_PASSED
    assert stage.truth(late.client_order_id) is None


@behaviour("V38", "a clock that steps back inside the stamp window is noticed by what the venue tells; deadlines hold")
async def v38(stage: Stage) -> None:
    stage.venue.clock.skew_s = -0.8 * stage.dialect.clock_window_s
    request = stage.order(deadline_ns=in_ns(5.0))
    await stage.adapter.submit_order(request)  # its answer tells the venue's time
    await assert_kept_when_held_up(stage)
    good = stage.order(deadline_ns=in_ns(2.0))
    await stage.adapter.submit_order(good)
    assert stage.open_ids() == {request.client_order_id, good.client_order_id}


@behaviour("V39", "a clock that steps forward inside the stamp window costs one refusal; then deadlines hold again")
async def v39(stage: Stage) -> None:
    stage.venue.clock.skew_s = 0.8 * stage.dialect.clock_window_s
    early = stage.order(deadline_ns=in_ns(2.0))
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(early)
    assert refused.value.reason is RejectReason.DEADLINE_PASSED
    await stage.adapter.submit_order(early)
    assert stage.open_ids() == {early.client_order_id}
    await assert_kept_when_held_up(stage)


@behaviour("V40", "while the venue's clock is in doubt nothing with a deadline is sent, and cancels go on")
async def v40(stage: Stage) -> None:
    stage.venue.faults.add(FaultRule(FaultKind.ERROR_BEFORE, endpoint="time"))
    stage.venue.clock.skew_s = -0.8 * stage.dialect.clock_window_s
    request = stage.order(deadline_ns=in_ns(5.0))
    await stage.adapter.submit_order(request)
    held = stage.order(deadline_ns=in_ns(5.0))
    with pytest.raises(NotSent):
        await stage.adapter.submit_order(held)
    assert stage.truth(held.client_order_id) is None
    await stage.adapter.cancel_order(stage.market, request.client_order_id)
    stage.venue.faults.clear()
    await stage.adapter.submit_order(held)
    with pytest.raises(NotSent):  # a deadline that has passed here needs no asking there
        await stage.adapter.submit_order(stage.order(deadline_ns=in_ns(-0.1)))
    assert stage.open_ids() == {held.client_order_id}


PAGES = (
    b"<html>blocked</html>",
    b'{"code":403,"msg":"Forbidden"}',
    b'{"error":{"code":"AuthenticationFailed","message":"Forbidden"}}',
)


@behaviour("V41", "a refusal in words that are not the venue's settles nothing, whatever its status", rate_scale=1.0)
async def v41(stage: Stage) -> None:
    async with tampered(stage) as (proxy, adapter):
        await adapter.open()
        proxy.executes = True
        for status in (400, 401, 403, 404, 429):
            for page in PAGES if status != 429 else PAGES[:1]:
                request = stage.order()
                proxy.status, proxy.body = status, page
                with pytest.raises(OutcomeUnknown):
                    await adapter.submit_order(request)
                refused_s = time.monotonic()
                assert request.client_order_id in stage.open_ids()  # as the adapter had to expect
                if status != 429:
                    with pytest.raises(OutcomeUnknown):
                        await adapter.cancel_order(stage.market, request.client_order_id)
                    assert stage.open_ids() == set()
        proxy.body = None
        await adapter.submit_order(stage.order())
        assert time.monotonic() - refused_s >= 0.4  # a 429 slows us down, whoever said it


@behaviour("V42", "what a venue says in an error is passed on as one printable line of bounded length")
async def v42(stage: Stage) -> None:
    words = "no\0 \x1b[31m\nfunds" + "x" * 5000
    dex = {"error": {"code": "insufficient_balance", "message": words}}
    row = {"clOrdId": "", "ordId": "", "sCode": "51008", "sMsg": words, "ts": "1"}
    body = dex if stage.dialect.name == "dex" else {"code": "1", "msg": "", "data": [row]}
    async with tampered(stage) as (proxy, adapter):
        await adapter.open()
        proxy.body, proxy.status = json.dumps(body).encode(), 409 if stage.dialect.name == "dex" else 200
        with pytest.raises(VenueRejected) as refused:
            await adapter.submit_order(stage.order())
        for said in (str(refused.value), refused.value.message):
            assert said.isprintable()
            assert len(said) <= 300


@behaviour(
    "V43", "an open() that is given up leaves no session and no task behind, and may be tried again", opened=False
)
async def v43(stage: Stage) -> None:
    unclosed: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unclosed.append(context))
    credential = Credential(stage.venue.key_id, stage.venue.secret, stage.venue.passphrase)
    for endpoint in ("time", "balances"):
        adapter = adapter_for(stage.dialect, stage.venue.base_url, credential, timeout_s=5.0)
        stage.venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint=endpoint, delay_s=5.0))
        opening = asyncio.create_task(adapter.open())
        async with asyncio.timeout(4.0):
            while not stage.venue.faults.applied["latency"]:
                await asyncio.sleep(0.01)
        started_s = time.monotonic()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert time.monotonic() - started_s < 1.0
        stage.venue.faults.clear()
        stage.venue.faults.applied.clear()
        await adapter.open()
        await adapter.submit_order(stage.order(deadline_ns=in_ns(2.0)))
        own = Recorder(adapter.stream_own())
        await own.until(lambda own=own: own.of(StreamReset))
        await own.stop()
        await adapter.close()
    del adapter, opening, own
    gc.collect()
    await asyncio.sleep(0)
    assert not unclosed
