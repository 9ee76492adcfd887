"""Order entry through ccxt. OKX acknowledges with ids only; what else an order is, is known here or read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trading.venues.ccxt_okx import shapes
from trading.venues.ccxt_okx.calls import Calls
from trading.venues.ccxt_okx.outcomes import DONE_OR_UNKNOWN_CODES, NOTHING_TO_AMEND_CODE
from trading.venues.decoding import optional_text
from trading.venues.identity import Identities
from trading.venues.interface import (
    AmendRequest,
    MarketInfo,
    OrderRequest,
    OrderState,
    OutcomeUnknown,
    OwnOrder,
    RejectReason,
    SendGuard,
    TimeInForce,
    UnexpectedAnswer,
    VenueError,
    VenueRejected,
)
from trading.venues.quote_replacement import SentAt, amended_already
from trading.venues.throttle import Priority

KNOWN_LIMIT = 5_000

FetchOrder = Callable[[str, str], Awaitable[OwnOrder | None]]


class KnownOrders:
    """The last state seen of the account's own orders by client id; bounded, oldest out."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, OwnOrder] = OrderedDict()

    def saw(self, order: OwnOrder) -> OwnOrder:
        """Remember this state unless a newer one is known."""
        known = self._orders.pop(order.client_order_id, None)
        keep = known if known is not None and known.updated_ns > order.updated_ns else order
        self._orders[order.client_order_id] = keep
        if len(self._orders) > KNOWN_LIMIT:
            self._orders.popitem(last=False)
        return order

    def last(self, client_order_id: str) -> OwnOrder | None:
        """The last state seen, if any."""
        return self._orders.get(client_order_id)


class OkxOrders:
    """Submit, amend, cancel."""

    def __init__(
        self,
        calls: Calls,
        identities: Identities,
        infos: Mapping[str, MarketInfo],
        unified: Mapping[str, str],
    ) -> None:
        self._calls = calls
        self._identities = identities
        self._infos = infos
        self._unified = unified
        self.known = KnownOrders()

    async def submit(self, request: OrderRequest, guard: SendGuard | None, sent: SentAt) -> OwnOrder:
        """See the interface."""
        symbol = self._checked(request.market, request.price, request.size)
        unified, kind = self._unified[request.market], shapes.TYPES[request.tif]
        price, size = format(request.price, "f"), format(self._identities.wire_size(symbol, request.size), "f")
        params = {"clOrdId": request.client_order_id}
        answer = await self._calls.write(
            "place",
            lambda client: client.create_order(unified, kind, request.side.value, size, price, params),
            scope=symbol,
            priority=Priority.NEW,
            guard=guard,
            sent=sent,
            deadline_ns=request.deadline_ns,
        )
        venue_order_id = _acknowledged("place", answer, request.client_order_id)
        if request.tif is not TimeInForce.POST_ONLY:
            return await self._read_after("place", request.market, request.client_order_id)
        return self.known.saw(
            OwnOrder(
                market=request.market,
                client_order_id=request.client_order_id,
                venue_order_id=venue_order_id,
                side=request.side,
                price=request.price,
                size=request.size,
                filled=Decimal(0),
                avg_price=None,
                state=OrderState.OPEN,
                updated_ns=0,  # an acknowledgement carries no time: anything the stream says is newer
            )
        )

    async def amend(self, request: AmendRequest, guard: SendGuard | None, sent: SentAt) -> OwnOrder:
        """See the interface."""
        symbol = self._checked(request.market, request.new_price, request.new_size)
        unified = self._unified[request.market]
        price = format(request.new_price, "f")
        size = format(self._identities.wire_size(symbol, request.new_size), "f")
        params = {"clOrdId": request.client_order_id}
        known = self.known.last(request.client_order_id)
        side = "buy" if known is None else known.side.value  # ccxt wants one; OKX's request has none
        try:
            answer = await self._calls.write(
                "amend",
                lambda client: client.edit_order("", unified, "limit", side, size, price, params),
                scope=symbol,
                priority=Priority.NEW,
                guard=guard,
                sent=sent,
                deadline_ns=request.deadline_ns,
            )
        except VenueRejected as error:
            if error.message.startswith(NOTHING_TO_AMEND_CODE):
                return await amended_already(request, self.fetch, error)
            raise await self._told_apart(error, request.market, request.client_order_id) from None
        _acknowledged("amend", answer, request.client_order_id)
        known = self.known.last(request.client_order_id)
        if known is None or known.state is not OrderState.OPEN:
            return await self._read_after("amend", request.market, request.client_order_id)
        return self.known.saw(replace(known, price=request.new_price, size=request.new_size))

    async def cancel(self, market: str, client_order_id: str, sent: SentAt) -> OwnOrder:
        """Cancel; the answer is the order as last known, cancelled: its `filled` may lag what the stream will tell."""
        known = await self._cancelled(market, client_order_id, sent)
        if known is None:
            return await self._read_after("cancel", market, client_order_id)
        return self.known.saw(replace(known, state=OrderState.CANCELLED, cancel_reason="user"))

    async def cancel_and_read(self, market: str, client_order_id: str) -> OwnOrder:
        """Cancel, then read what the order came to."""
        known = await self._cancelled(market, client_order_id, SentAt())
        try:
            return await self._read_after("cancel", market, client_order_id)
        except OutcomeUnknown:
            if known is None:
                raise
            return self.known.saw(replace(known, state=OrderState.CANCELLED, cancel_reason="user"))

    async def _cancelled(self, market: str, client_order_id: str, sent: SentAt) -> OwnOrder | None:
        symbol = self._identities.symbol(market)
        params = {"clOrdId": client_order_id}
        try:
            answer = await self._calls.write(
                "cancel",
                lambda client: client.cancel_order("", self._unified[market], params),
                scope=symbol,
                sent=sent,
            )
        except VenueRejected as error:
            raise await self._told_apart(error, market, client_order_id) from None
        _acknowledged("cancel", answer, client_order_id)
        return self.known.last(client_order_id)

    async def fetch(self, market: str, client_order_id: str) -> OwnOrder | None:
        """The order, open or done; None when the venue does not know it."""
        self._identities.symbol(market)
        params = {"clOrdId": client_order_id}
        try:
            answer = await self._calls.read(
                "order", "read", lambda client: client.fetch_order("", self._unified[market], params)
            )
        except VenueRejected as error:
            if error.reason is RejectReason.UNKNOWN_ORDER:
                return None
            raise
        return self.known.saw(shapes.order(shapes.info(answer), self._identities))

    async def _read_after(self, name: str, market: str, client_order_id: str) -> OwnOrder:
        try:
            order = await self.fetch(market, client_order_id)
        except VenueError as error:
            raise OutcomeUnknown(f"{name}: accepted, but the order can't be read: {error}") from None
        if order is None:
            raise OutcomeUnknown(f"{name}: accepted, but the venue does not know the order")
        return order

    async def _told_apart(self, error: VenueRejected, market: str, client_order_id: str) -> VenueRejected:
        """OKX has one code for an order that is done and one that never was; a look tells them apart.

        When the look fails the order counts as unknown, which is settled more carefully than a done one.
        """
        code, _, message = error.message.partition(":")
        if code not in DONE_OR_UNKNOWN_CODES:
            return error
        try:
            found = await self.fetch(market, client_order_id)
        except VenueError:
            found = None
        reason = RejectReason.UNKNOWN_ORDER if found is None else RejectReason.ORDER_ALREADY_DONE
        return VenueRejected(reason, f"{code}:{message}")

    def _checked(self, market: str, price: Decimal, size: Decimal) -> str:
        """The venue's symbol. ccxt would round to tick and lot: what we did not ask for must not rest."""
        symbol = self._identities.symbol(market)
        info = self._infos[market]
        if price <= 0 or price % info.tick:
            raise VenueRejected(RejectReason.BAD_PRICE, f"{price} is not a positive multiple of the tick {info.tick}")
        if size <= 0 or size % info.lot_step:
            raise VenueRejected(RejectReason.BAD_SIZE, f"{size} is not a positive multiple of the lot {info.lot_step}")
        return symbol


def _acknowledged(name: str, answer: Any, client_order_id: str) -> str:
    """The venue's order id, when the acknowledgement is of our order."""
    try:
        row = shapes.info(answer)
        told, order_id = optional_text(row, "clOrdId"), optional_text(row, "ordId")
    except UnexpectedAnswer as error:
        raise OutcomeUnknown(f"{name}: {error}") from None
    if told != client_order_id or not order_id:
        raise OutcomeUnknown(f"{name}: the acknowledgement is not of our order")
    return order_id
