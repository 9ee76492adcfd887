"""Perpetuals of one OKX account: funding payments (bills of type 8), positions, the next funding rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from trading.venues.ccxt_okx import shapes
from trading.venues.ccxt_okx.calls import Calls
from trading.venues.ccxt_okx.history import PAGE, rows_after
from trading.venues.decoding import decimal, integer, ns_of_ms, optional_decimal, text
from trading.venues.identity import Identities
from trading.venues.interface import RejectReason, VenueRejected
from trading.venues.perpetuals import FundingPayment, FundingRate, VenuePosition

Json = Mapping[str, object]
# In ccxt's words: without a symbol it would ask for the bills of its default kind, which is spot.
OF_SWAPS = {"type": "swap"}


class Perpetuals:
    """`unified` are ccxt's symbols by our slug."""

    def __init__(self, calls: Calls, identities: Identities, unified: Mapping[str, str]) -> None:
        self._calls = calls
        self._identities = identities
        self._unified = unified

    async def funding(self, market: str | None, cursor: str, limit: int) -> Sequence[FundingPayment]:
        """Payments after `cursor` (a billId), oldest first."""
        if cursor and not cursor.isdigit():
            raise VenueRejected(RejectReason.OTHER, f"{cursor!r} is no cursor of this venue's funding")
        unified = None if market is None else self._unified[market]

        async def fetch(params: dict[str, str]) -> Sequence[Json]:
            answer = await self._calls.read(
                "funding",
                "history",
                lambda client: client.fetch_funding_history(unified, None, PAGE, OF_SWAPS | params),
            )
            return [shapes.info(row) for row in answer]

        rows = await rows_after(fetch, "billId", cursor)
        return [self._payment(row) for row in rows[:limit]]

    def _payment(self, row: Json) -> FundingPayment:
        bill = str(integer(row, "billId"))
        return FundingPayment(
            market=self._market(row),
            payment_id=bill,
            asset=self._identities.asset(text(row, "ccy")),
            amount=decimal(row, "balChg"),
            mark_price=optional_decimal(row, "px"),
            venue_ns=ns_of_ms(row, "fillTime"),
            cursor=bill,
        )

    async def positions(self) -> Sequence[VenuePosition]:
        """Open positions; OKX does not tell flat ones."""
        answer = await self._calls.read("positions", "account", lambda client: client.fetch_positions())
        return [self._position(shapes.info(row)) for row in answer]

    def _position(self, row: Json) -> VenuePosition:
        q = self._identities.base_size(text(row, "instId"), optional_decimal(row, "pos") or Decimal(0))
        return VenuePosition(self._market(row), q, optional_decimal(row, "avgPx"), optional_decimal(row, "markPx"))

    async def rate(self, market: str) -> tuple[FundingRate, int]:
        """The next funding, and the seconds from it to the one after."""
        unified = self._unified[market]
        answer = await self._calls.read("funding_rate", "market", lambda client: client.fetch_funding_rate(unified))
        row = shapes.info(answer)
        funding_ns = ns_of_ms(row, "fundingTime")
        interval_s = (ns_of_ms(row, "nextFundingTime") - funding_ns) // 1_000_000_000
        return FundingRate(market, decimal(row, "fundingRate"), funding_ns), interval_s

    def _market(self, row: Json) -> str:
        symbol = text(row, "instId")
        return self._identities.slug(symbol) or f"venue:{symbol}"
