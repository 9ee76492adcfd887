"""V01 to V07, V11, V18, V19, V22, V25, V29, V30: order entry."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import pytest

from tests.venues.contract import behaviour
from tests.venues.stage import ACCOUNT, Stage, in_ns, plain
from trading.sandbox.server.faults import FaultKind, FaultRule
from trading.venues.interface import (
    AmendRequest,
    NotSent,
    OrderState,
    OutcomeUnknown,
    QuoteStep,
    RejectReason,
    Side,
    StepKind,
    TimeInForce,
    VenueRejected,
)


@behaviour("V01", "a submitted post-only order rests, as asked for")
async def v01(stage: Stage) -> None:
    request = stage.order()
    order = await stage.adapter.submit_order(request)
    truth = stage.truth(request.client_order_id)
    assert (truth.price, truth.size, truth.side.value, truth.type.value) == (
        request.price,
        request.size,
        "buy",
        "post_only",
    )
    assert plain(order) == (request.client_order_id, Side.BUY, request.price, request.size, 0, OrderState.OPEN)
    assert order.venue_order_id == truth.order_id
    assert order.market == stage.market
    open_orders = await stage.adapter.fetch_open_orders(stage.market)
    assert [plain(one) for one in open_orders] == [plain(order)]
    assert plain(await stage.adapter.fetch_order(stage.market, request.client_order_id)) == plain(order)


@behaviour("V02", "a client order id works once: the second submit is refused and changes nothing")
async def v02(stage: Stage) -> None:
    request = stage.order()
    await stage.adapter.submit_order(request)
    again = stage.order(client_order_id=request.client_order_id, price=request.price - stage.dialect.step)
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(again)
    assert refused.value.reason is RejectReason.DUPLICATE_CLIENT_ORDER_ID
    assert stage.truth(request.client_order_id).price == request.price
    assert len(stage.venue.exchange.open_orders(ACCOUNT)) == 1


@behaviour("V03", "each refusal has its coded reason, and nothing rests")
async def v03(stage: Stage) -> None:
    info = await stage.adapter.market_info(stage.market)
    d = stage.dialect
    cases = [
        (RejectReason.BAD_PRICE, stage.order(price=d.bid - info.tick / 2)),
        (RejectReason.BAD_PRICE, stage.order(price=d.step * 10)),  # far outside the venue's band
        (RejectReason.BAD_SIZE, stage.order(size=d.size + info.lot_step / 2)),
        (RejectReason.BELOW_MINIMUM, stage.order(size=info.min_size - info.lot_step)),
        (RejectReason.INSUFFICIENT_BALANCE, stage.order(size=Decimal(10) ** 7)),
        (RejectReason.POST_ONLY_WOULD_TAKE, stage.order(price=d.ask)),
        (RejectReason.UNKNOWN_MARKET, stage.order(market="no-such-market")),
    ]
    for reason, request in cases:
        with pytest.raises(VenueRejected) as refused:
            await stage.adapter.submit_order(request)
        assert refused.value.reason is reason, (reason, str(refused.value))
    assert stage.open_ids() == set()
    resting = stage.order(Side.SELL, price=d.ask - d.step)
    await stage.adapter.submit_order(resting)
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(stage.order(price=resting.price, tif=TimeInForce.IOC))
    assert refused.value.reason is RejectReason.SELF_TRADE
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.cancel_order(stage.market, "neverseen1")
    assert refused.value.reason is RejectReason.UNKNOWN_ORDER
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.amend_order(AmendRequest(stage.market, "neverseen1", d.bid, d.size))
    assert refused.value.reason is RejectReason.UNKNOWN_ORDER
    assert stage.open_ids() == {resting.client_order_id}


@behaviour("V04", "a partly filled order is cancelled: what was filled stays filled and is told")
async def v04(stage: Stage) -> None:
    request = stage.order(price=stage.dialect.bid + stage.dialect.step)
    await stage.adapter.submit_order(request)
    part = request.size / 4
    stage.sell_into(stage.dialect.bid, part)
    order = await stage.adapter.cancel_order(stage.market, request.client_order_id)
    assert plain(order)[4:] == (part, OrderState.CANCELLED)
    assert order.avg_price == request.price
    assert stage.open_ids() == set()


@behaviour("V05", "cancelling a filled order is refused as already done")
async def v05(stage: Stage) -> None:
    request = stage.order(price=stage.dialect.bid + stage.dialect.step)
    await stage.adapter.submit_order(request)
    stage.sell_into(stage.dialect.bid, request.size * 2)
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.cancel_order(stage.market, request.client_order_id)
    assert refused.value.reason is RejectReason.ORDER_ALREADY_DONE
    told = await stage.adapter.fetch_order(stage.market, request.client_order_id)
    assert told is not None
    assert (told.state, told.filled) == (OrderState.FILLED, request.size)


@behaviour("V06", "an amendment changes price and total size and keeps the client id")
async def v06(stage: Stage) -> None:
    request = stage.order(price=stage.dialect.bid + stage.dialect.step)
    await stage.adapter.submit_order(request)
    stage.sell_into(stage.dialect.bid, request.size / 4)
    price, size = request.price - stage.dialect.step / 2, request.size * 2
    order = await stage.adapter.amend_order(AmendRequest(stage.market, request.client_order_id, price, size))
    truth = stage.truth(request.client_order_id)
    assert (truth.price, truth.size, truth.filled) == (price, size, request.size / 4)
    assert (order.client_order_id, order.price, order.size, order.state) == (
        request.client_order_id,
        price,
        size,
        OrderState.OPEN,
    )


@behaviour("V07", "amending a done order is refused as already done")
async def v07(stage: Stage) -> None:
    request = stage.order()
    await stage.adapter.submit_order(request)
    await stage.adapter.cancel_order(stage.market, request.client_order_id)
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.amend_order(
            AmendRequest(stage.market, request.client_order_id, request.price, request.size * 2)
        )
    assert refused.value.reason is RejectReason.ORDER_ALREADY_DONE


@behaviour("V11", "a request that arrives past its deadline is refused and nothing rests or changes")
async def v11(stage: Stage) -> None:
    stage.venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint="place", count=1, delay_s=0.5))
    late = stage.order(deadline_ns=in_ns(0.2))
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.submit_order(late)
    assert refused.value.reason is RejectReason.DEADLINE_PASSED
    assert stage.truth(late.client_order_id) is None
    request = stage.order(deadline_ns=in_ns(2.0))
    await stage.adapter.submit_order(request)
    stage.venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint="amend", count=1, delay_s=0.5))
    with pytest.raises(VenueRejected) as refused:
        await stage.adapter.amend_order(
            AmendRequest(stage.market, request.client_order_id, request.price, request.size * 2, in_ns(0.2))
        )
    assert refused.value.reason is RejectReason.DEADLINE_PASSED
    assert stage.truth(request.client_order_id).size == request.size


@behaviour("V18", "cancel-after fires unless renewed, and can be disarmed")
async def v18(stage: Stage) -> None:
    exchange, clock = stage.venue.exchange, stage.venue.clock
    await stage.adapter.submit_order(stage.order())
    await stage.adapter.cancel_after(10.0)
    exchange.advance(clock.engine_ns() + 9_000_000_000)
    assert len(stage.open_ids()) == 1
    await stage.adapter.cancel_after(None)
    exchange.advance(clock.engine_ns() + 60_000_000_000)
    assert len(stage.open_ids()) == 1


@behaviour("V18b", "cancel-after cancels every order of the account when it is not renewed")
async def v18b(stage: Stage) -> None:
    request = stage.order()
    await stage.adapter.submit_order(request)
    await stage.adapter.cancel_after(10.0)
    stage.venue.exchange.advance(stage.venue.clock.engine_ns() + 10_500_000_000)
    assert stage.open_ids() == set()
    order = await stage.adapter.fetch_order(stage.market, request.client_order_id)
    assert order is not None
    assert (order.state, order.cancel_reason) == (OrderState.CANCELLED, "cancel_after")


@behaviour("V19", "cancel-all leaves nothing open and says how many it cancelled")
async def v19(stage: Stage) -> None:
    step = stage.dialect.step
    for number in range(3):
        await stage.adapter.submit_order(stage.order(price=stage.dialect.bid - step * (number + 1)))
    await stage.adapter.submit_order(stage.order(Side.SELL))
    assert await stage.adapter.cancel_all(stage.market) == 4
    assert stage.open_ids() == set()
    assert await stage.adapter.cancel_all() == 0


@behaviour(
    "V22", "the send guard is asked just before sending; when it refuses nothing leaves; cancels are not guarded"
)
async def v22(stage: Stage) -> None:
    asked: list[float] = []

    def refuse() -> None:
        asked.append(time.monotonic())
        raise NotSent("the lease is too short")

    request = stage.order()
    with pytest.raises(NotSent, match="lease is too short"):
        await stage.adapter.submit_order(request, refuse)
    assert len(asked) == 1
    assert stage.truth(request.client_order_id) is None
    await stage.adapter.submit_order(request, lambda: asked.append(0.0))
    assert len(asked) == 2
    change = AmendRequest(stage.market, request.client_order_id, request.price, request.size * 2)
    with pytest.raises(NotSent):
        await stage.adapter.amend_order(change, refuse)
    assert stage.truth(request.client_order_id).size == request.size
    steps = [QuoteStep(StepKind.CANCEL, request.client_order_id), QuoteStep(StepKind.SUBMIT, submit=stage.order())]
    outcomes = await stage.adapter.replace_quote(steps, refuse)
    assert outcomes[0].error is None
    assert isinstance(outcomes[1].error, NotSent)
    assert outcomes[1].sent_ns is None
    assert stage.open_ids() == set()


@behaviour("V25", "a post-only order never takes, whatever the book does meanwhile")
async def v25(stage: Stage) -> None:
    d = stage.dialect
    for price in (d.ask, d.ask + d.step):
        with pytest.raises(VenueRejected) as refused:
            await stage.adapter.submit_order(stage.order(price=price))
        assert refused.value.reason is RejectReason.POST_ONLY_WOULD_TAKE
    await stage.adapter.submit_order(stage.order(price=d.ask - d.step))
    assert stage.venue.exchange.fills(ACCOUNT) == []


@behaviour("V29", "a quote replacement cancels first, sends the rest side by side, and each step has its own outcome")
async def v29(stage: Stage) -> None:
    d = stage.dialect
    kept, gone = stage.order(), stage.order(Side.SELL)
    await stage.adapter.submit_order(kept)
    await stage.adapter.submit_order(gone)
    fresh, crossing = stage.order(Side.SELL, price=d.ask + d.step * 2), stage.order(price=d.ask)
    change = AmendRequest(stage.market, kept.client_order_id, kept.price - d.step, kept.size)
    delay_s = 0.25
    for endpoint in ("place", "amend", "cancel"):
        stage.venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint=endpoint, delay_s=delay_s))
    steps = [
        QuoteStep(StepKind.SUBMIT, submit=fresh),
        QuoteStep(StepKind.AMEND, amend=change),
        QuoteStep(StepKind.SUBMIT, submit=crossing),
        QuoteStep(StepKind.CANCEL, cancel_client_order_id=gone.client_order_id),
    ]
    started_s = time.monotonic()
    outcomes = await stage.adapter.replace_quote(steps)
    took_s = time.monotonic() - started_s
    assert [outcome.step for outcome in outcomes] == steps
    assert [type(outcome.error) for outcome in outcomes] == [type(None), type(None), VenueRejected, type(None)]
    assert all(outcome.sent_ns and outcome.answered_ns for outcome in outcomes)
    cancelled, placed = outcomes[3], outcomes[0]
    assert cancelled.answered_ns is not None
    assert placed.sent_ns is not None
    assert cancelled.answered_ns <= placed.sent_ns
    assert took_s < delay_s * 3.5  # two waves, not four requests in a row
    assert stage.open_ids() == {kept.client_order_id, fresh.client_order_id}
    assert stage.truth(kept.client_order_id).price == change.new_price


@behaviour("V30", "an immediate-or-cancel order's answer is its final state")
async def v30(stage: Stage) -> None:
    request = stage.order(price=stage.dialect.ask, tif=TimeInForce.IOC)
    order = await stage.adapter.submit_order(request)
    assert (order.state, order.filled, order.avg_price) == (OrderState.FILLED, request.size, stage.dialect.ask)
    missing = await stage.adapter.submit_order(stage.order(price=stage.dialect.bid, tif=TimeInForce.IOC))
    assert (missing.state, missing.filled) == (OrderState.CANCELLED, 0)
    await asyncio.sleep(0)
    assert stage.open_ids() == set()


@behaviour("V36", "an amendment to what the order already is succeeds: so one whose answer was lost may be asked again")
async def v36(stage: Stage) -> None:
    request = stage.order()
    await stage.adapter.submit_order(request)
    change = AmendRequest(stage.market, request.client_order_id, request.price, request.size * 2)
    stage.venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="amend", count=1))
    with pytest.raises(OutcomeUnknown):
        await stage.adapter.amend_order(change)
    order = await stage.adapter.amend_order(change)
    assert plain(order) == (request.client_order_id, Side.BUY, request.price, request.size * 2, 0, OrderState.OPEN)
    assert stage.truth(request.client_order_id).size == request.size * 2
