"""A venue in memory that does what the test tells it to: for outcomes that a real one shows only by chance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from trading.clock import Clock
from trading.venues.interface import (
    AmendRequest,
    Balance,
    Capabilities,
    MarketInfo,
    OrderBook,
    OrderRequest,
    OrderState,
    OwnFill,
    OwnOrder,
    QuoteStep,
    RejectReason,
    SendGuard,
    StepKind,
    StepOutcome,
    VenueError,
    VenueKind,
    VenueRejected,
)


class ScriptedVenue:
    """Orders rest in `orders`. `before[kind]` runs before a request is executed and may raise; `after[kind]` runs after."""

    name = "scripted"

    def __init__(self, clock: Clock, account: str = "dex-desk", *, amend: bool = True, deadline: bool = True) -> None:
        self.account = account
        self.clock = clock
        self.capabilities = Capabilities(VenueKind.ORDER_BOOK, amend, deadline, True, True, True)
        self.orders: dict[str, OwnOrder] = {}
        self.before: dict[StepKind, Callable[[QuoteStep], None]] = {}
        self.after: dict[StepKind, Callable[[QuoteStep], None]] = {}
        self.requests: list[tuple[str, str]] = []
        self.submitted: list[OrderRequest] = []
        self.cancel_after_calls: list[float | None] = []
        self.is_down = False
        self.opened = self.closed = 0
        self.delay_s = 0.0

    async def open(self) -> None:
        self._check()
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        if self.is_down:
            from trading.venues.interface import VenueUnavailable

            raise VenueUnavailable("scripted: down")

    def resting(self) -> list[OwnOrder]:
        return [order for order in self.orders.values() if order.state is OrderState.OPEN]

    def fill(self, client_order_id: str, size: Decimal) -> None:
        order = self.orders[client_order_id]
        filled = order.filled + size
        state = OrderState.FILLED if filled >= order.size else OrderState.OPEN
        self.orders[client_order_id] = replace(order, filled=filled, state=state)

    async def replace_quote(self, steps: Sequence[QuoteStep], guard: SendGuard | None = None) -> Sequence[StepOutcome]:
        ordered = sorted(range(len(steps)), key=lambda i: steps[i].kind is not StepKind.CANCEL)
        outcomes: dict[int, StepOutcome] = {}
        for index in ordered:
            outcomes[index] = await self._one(steps[index], guard)
        return [outcomes[index] for index in range(len(steps))]

    async def _one(self, step: QuoteStep, guard: SendGuard | None) -> StepOutcome:
        sent: int | None = None
        try:
            if step.kind is not StepKind.CANCEL and guard is not None:
                guard()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            sent = self.clock.now_ns()
            if step.kind in self.before:
                self.before[step.kind](step)
            order = self._execute(step)
            if step.kind in self.after:
                self.after[step.kind](step)
        except VenueError as error:
            return StepOutcome(step, None, error, sent, sent)
        return StepOutcome(step, order, None, sent, self.clock.now_ns())

    def _execute(self, step: QuoteStep) -> OwnOrder:
        if step.submit is not None:
            return self._place(step.submit)
        if step.amend is not None:
            return self._amend(step.amend)
        assert step.cancel_client_order_id is not None
        return self._cancel(step.cancel_client_order_id)

    def _place(self, request: OrderRequest) -> OwnOrder:
        self.requests.append(("submit", request.client_order_id))
        if request.client_order_id in self.orders:
            raise VenueRejected(RejectReason.DUPLICATE_CLIENT_ORDER_ID, "seen")
        self.submitted.append(request)
        order = OwnOrder(
            request.market, request.client_order_id, f"v{len(self.orders) + 1}", request.side, request.price,
            request.size, Decimal(0), None, OrderState.OPEN, self.clock.now_ns(),
        )  # fmt: skip
        self.orders[request.client_order_id] = order
        return order

    def _amend(self, request: AmendRequest) -> OwnOrder:
        self.requests.append(("amend", request.client_order_id))
        order = self._open_order(request.client_order_id)
        order = replace(order, price=request.new_price, size=request.new_size, updated_ns=self.clock.now_ns())
        self.orders[request.client_order_id] = order
        return order

    def _cancel(self, client_order_id: str) -> OwnOrder:
        self.requests.append(("cancel", client_order_id))
        order = replace(self._open_order(client_order_id), state=OrderState.CANCELLED)
        self.orders[client_order_id] = order
        return order

    def _open_order(self, client_order_id: str) -> OwnOrder:
        order = self.orders.get(client_order_id)
        if order is None:
            raise VenueRejected(RejectReason.UNKNOWN_ORDER, "no such order")
        if order.state is not OrderState.OPEN:
            raise VenueRejected(RejectReason.ORDER_ALREADY_DONE, "done")
        return order

    async def cancel_order(self, market: str, client_order_id: str) -> OwnOrder:
        self._check()
        return self._cancel(client_order_id)

    async def cancel_all(self, market: str | None = None) -> int:
        self._check()
        open_orders = [order for order in self.resting() if market in (None, order.market)]
        for order in open_orders:
            self._cancel(order.client_order_id)
        return len(open_orders)

    async def cancel_after(self, timeout_s: float | None) -> None:
        self._check()
        self.cancel_after_calls.append(timeout_s)

    async def fetch_order(self, market: str, client_order_id: str) -> OwnOrder | None:
        self._check()
        return self.orders.get(client_order_id)

    async def fetch_open_orders(self, market: str | None = None) -> Sequence[OwnOrder]:
        self._check()
        return [order for order in self.resting() if market in (None, order.market)]

    async def server_time_ns(self) -> int:
        return self.clock.now_ns()

    async def market_info(self, market: str) -> MarketInfo:
        raise VenueRejected(RejectReason.UNKNOWN_MARKET, market)

    async def fetch_balances(self) -> Sequence[Balance]:
        return ()

    async def fetch_my_trades(self, market: str | None = None, cursor: str = "", limit: int = 100) -> Sequence[OwnFill]:
        return ()

    def stream_book(self, market: str) -> AsyncIterator[OrderBook]:
        raise AssertionError("the cycle reads no stream")
