"""The sandbox's own engine behind the venue interface, on the test's clock and without sockets: its books are the truth."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.quoting.scripted_venue import ScriptedVenue
from tests.quoting.world import DEX, MIDS
from trading.clock import Clock
from trading.sandbox.catalogue import DCT_USDT
from trading.sandbox.exchange import Exchange
from trading.sandbox.types import Fill, Order, OrderStatus, OrderType, PlaceOrder, RecordTop, Reject
from trading.sandbox.types import Side as EngineSide
from trading.venues.interface import (
    OrderRequest,
    OrderState,
    OwnOrder,
    QuoteStep,
    RejectReason,
    SendGuard,
    Side,
    StepKind,
    StepOutcome,
    VenueError,
    VenueRejected,
)

ACCOUNT, SYMBOL = "desk", "DCT/USDT"
DEPOSIT = Decimal(1_000_000)
_STATES = {OrderStatus.FILLED: OrderState.FILLED, OrderStatus.CANCELLED: OrderState.CANCELLED}
_CODES = {"duplicate_client_order_id", "deadline_passed", "unknown_order", "order_already_done", "self_trade"}


@dataclass(frozen=True)
class Accepted:
    """One acceptance: the worst case on its side (base from target) before and after, and the hard limit when it was signed."""

    client_order_id: str
    before: Decimal
    after: Decimal
    hard: Decimal

    @property
    def is_breach(self) -> bool:
        return self.after > self.hard and self.after > self.before


class OneThread:
    """The engine on a thread of its own, which its ledger demands, for workers on several threads."""

    def __init__(self, path: Path, now_ns: int) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._engine = self._thread.submit(Exchange, {SYMBOL: DCT_USDT.instrument}, path, now_ns).result()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._engine, name)
        return lambda *args, **kwargs: self._thread.submit(method, *args, **kwargs).result()


class EngineVenue(ScriptedVenue):
    """`hard` tells the limit in force when a request is signed. `before` and `after` of the script still apply."""

    def __init__(self, clock: Clock, folder: Path, hard: Callable[[], Decimal], *, amend: bool = True) -> None:
        super().__init__(clock, "dex-desk", amend=amend)
        self.engine = OneThread(folder / "engine.sqlite3", clock.now_ns())
        for asset in ("DCT", "USDT"):
            self.engine.deposit(ACCOUNT, asset, DEPOSIT, clock.now_ns())
        self.hard, self.accepted = hard, list[Accepted]()
        self._numbers = itertools.count(1)
        self.play(MIDS[DEX])

    def play(self, mid: Decimal, wide: Decimal = Decimal("0.02")) -> None:
        """The recorded market is around `mid` now, and `wide` away from it; what of ours it trades through is filled."""
        deep = Decimal(500_000)
        self.engine.apply_record(SYMBOL, RecordTop(0, mid - wide, deep, mid + wide, deep), self.clock.now_ns())

    # --- the books ----------------------------------------------------------------------------------------------------

    def bought(self) -> Decimal:
        """Signed base bought since the beginning."""
        signed = (one.size if one.side is EngineSide.BUY else -one.size for one in self.fills())
        return sum(signed, Decimal(0))

    def fills(self) -> Sequence[Fill]:
        return self.engine.fills(ACCOUNT, limit=10_000)

    def all_orders(self) -> Sequence[Order]:
        return self.engine.order_history(ACCOUNT, limit=10_000)

    def worst(self, side: EngineSide) -> Decimal:
        """How far from the start (the target) the position is if all that rests on the side fills."""
        open_orders = self.engine.open_orders(ACCOUNT)
        resting = sum((one.remaining for one in open_orders if one.side is side), Decimal(0))
        return (self.bought() if side is EngineSide.BUY else -self.bought()) + resting

    # --- the interface ------------------------------------------------------------------------------------------------

    def resting(self) -> list[OwnOrder]:
        return [_own(one) for one in self.engine.open_orders(ACCOUNT)]

    async def _one(self, step: QuoteStep, guard: SendGuard | None) -> StepOutcome:
        sent: int | None = None
        try:
            if step.kind is not StepKind.CANCEL and guard is not None:
                guard()
            hard = self.hard()
            await asyncio.sleep(0)  # the bytes are on their way
            sent = self.clock.now_ns()
            if step.kind in self.before:
                self.before[step.kind](step)
            order = self._judged(step, hard)
            if step.kind in self.after:
                self.after[step.kind](step)
            await asyncio.sleep(0)  # the answer is on its way
        except VenueError as error:
            return StepOutcome(step, None, error, sent, sent)
        return StepOutcome(step, order, None, sent, self.clock.now_ns())

    def _judged(self, step: QuoteStep, hard: Decimal) -> OwnOrder:
        if step.kind is StepKind.CANCEL:
            return self._execute(step)
        sides = {side: self.worst(side) for side in EngineSide}
        order = self._execute(step)
        side = EngineSide(order.side.value)
        self.accepted.append(Accepted(order.client_order_id, sides[side], self.worst(side), hard))
        return order

    def _place(self, request: OrderRequest) -> OwnOrder:
        self.requests.append(("submit", request.client_order_id))
        kind = OrderType(request.tif.value) if request.tif.value != "gtc" else OrderType.LIMIT
        wanted = PlaceOrder(
            SYMBOL, EngineSide(request.side.value), kind, request.price, request.size, request.client_order_id,
            request.deadline_ns,
        )  # fmt: skip
        placed = _answer(lambda: self.engine.place(ACCOUNT, wanted, self.clock.now_ns()))
        self.submitted.append(request)
        return placed

    def _amend(self, request) -> OwnOrder:
        self.requests.append(("amend", request.client_order_id))
        return _answer(
            lambda: self.engine.amend(
                ACCOUNT, SYMBOL, client_order_id=request.client_order_id, new_price=request.new_price,
                new_size=request.new_size, deadline_ns=request.deadline_ns, now_ns=self.clock.now_ns(),
            )
        )  # fmt: skip

    def _cancel(self, client_order_id: str) -> OwnOrder:
        self.requests.append(("cancel", client_order_id))
        now_ns = self.clock.now_ns()
        return _answer(lambda: self.engine.cancel(ACCOUNT, SYMBOL, client_order_id=client_order_id, now_ns=now_ns))

    async def fetch_order(self, market: str, client_order_id: str) -> OwnOrder | None:
        self._check()
        found = self.engine.order(ACCOUNT, client_order_id=client_order_id)
        return None if found is None else _own(found)


def _answer(act: Callable[[], Order]) -> OwnOrder:
    try:
        return _own(act())
    except Reject as refusal:
        code = refusal.code.value
        raise VenueRejected(RejectReason(code) if code in _CODES else RejectReason.OTHER, str(refusal)) from None


def _own(order: Order) -> OwnOrder:
    return OwnOrder(
        DEX, order.client_order_id, order.order_id, Side(order.side.value), order.price, order.size, order.filled,
        order.avg_price, _STATES.get(order.status, OrderState.OPEN), order.updated_ns, order.cancel_reason,
    )  # fmt: skip
