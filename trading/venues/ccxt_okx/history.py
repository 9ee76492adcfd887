"""Oldest-first pages after a cursor, from a venue that answers newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from trading.venues.ccxt_okx import shapes
from trading.venues.ccxt_okx.calls import Calls
from trading.venues.decoding import decimal, integer, optional_decimal, text
from trading.venues.identity import Identities
from trading.venues.interface import OwnFill, RejectReason, VenueRejected, VenueTransfer

PAGE = 100  # the most that OKX gives at once
MAX_PAGES = 200

Json = Mapping[str, object]
Fetch = Callable[[dict[str, str]], Awaitable[Sequence[Json]]]


class History:
    """Own fills and transfers of one account."""

    def __init__(self, calls: Calls, identities: Identities) -> None:
        self._calls = calls
        self._identities = identities
        # What an earlier call read beyond its limit, by (symbol, cursor) of its last row: no page is asked for twice.
        self._beyond: dict[tuple[str, str], list[OwnFill]] = {}

    async def fills(self, symbol: str | None, unified: str | None, cursor: str, limit: int) -> Sequence[OwnFill]:
        """Own fills after `cursor` (a billId), oldest first."""
        if cursor and not cursor.isdigit():
            raise VenueRejected(RejectReason.OTHER, f"{cursor!r} is no cursor of this venue's fills")
        found = self._beyond.pop((symbol or "", cursor), None)
        if found is None:

            async def fetch(params: dict[str, str]) -> Sequence[Json]:
                answer = await self._calls.read(
                    "fills", "history", lambda client: client.fetch_my_trades(unified, None, PAGE, params)
                )
                return [shapes.info(trade) for trade in answer]

            found = [shapes.history_fill(row, self._identities) for row in await rows_after(fetch, "billId", cursor)]
        page, rest = found[:limit], found[limit:]
        self._beyond.clear()
        if rest:
            self._beyond[(symbol or "", page[-1].cursor)] = rest
        return page

    async def transfers(self, cursor: str, limit: int) -> Sequence[VenueTransfer]:
        """Booked deposits and withdrawals after `cursor`, oldest first.

        Nothing newer than a transfer that is still under way is told yet: once that is booked it must not be skipped.
        """
        known_ms, known_id = _transfer_cursor(cursor)
        found: list[tuple[int, str, Json, int]] = []
        for method, id_name, sign in (("fetch_deposits", "depId", 1), ("fetch_withdrawals", "wdId", -1)):

            async def fetch(params: dict[str, str], method: str = method) -> Sequence[Json]:
                answer = await self._calls.read(
                    method, "asset", lambda client: getattr(client, method)(None, None, PAGE, params)
                )
                return [shapes.info(row) for row in answer]

            since = str(max(known_ms - 1, 0)) if cursor else ""
            for row in await rows_after(fetch, "ts", since, step=1):
                found.append((integer(row, "ts"), text(row, id_name), row, sign))
        told = []
        for stamp_ms, transfer_id, row, sign in sorted(found, key=lambda one: (one[0], one[1])):
            state = row.get("state")
            if (stamp_ms, transfer_id) <= (known_ms, known_id) or (isinstance(state, str) and state.startswith("-")):
                continue
            if state != "2":
                break
            told.append(self._transfer(row, transfer_id, stamp_ms, sign))
        return told[:limit]

    def _transfer(self, row: Json, transfer_id: str, stamp_ms: int, sign: int) -> VenueTransfer:
        amount = decimal(row, "amt")
        if sign < 0:
            amount = -(amount + (optional_decimal(row, "fee") or Decimal(0)))
        asset = self._identities.asset(text(row, "ccy"))
        return VenueTransfer(transfer_id, asset, amount, stamp_ms * 1_000_000, f"{stamp_ms}:{transfer_id}")


def _transfer_cursor(cursor: str) -> tuple[int, str]:
    stamp, _, transfer_id = cursor.partition(":")
    if cursor and not (stamp.isdigit() and transfer_id):
        raise VenueRejected(RejectReason.OTHER, f"{cursor!r} is no cursor of this venue's transfers")
    return (int(stamp), transfer_id) if cursor else (-1, "")


async def rows_after(fetch: Fetch, key: str, cursor: str = "", *, step: int = 0) -> list[Json]:
    """Every row whose `key` lies after `cursor`, oldest first: pages are read backwards until one is not full.

    `step` 1 for a key that rows may share (a time): the next page then begins with the last one's oldest again.
    """
    found: dict[str, Json] = {}
    params = {"before": cursor} if cursor else {}
    for _ in range(MAX_PAGES):
        page = await fetch(dict(params))
        fresh = {str(sorted(row.items(), key=str)): row for row in page}
        new = fresh.keys() - found.keys()
        found.update(fresh)
        if len(page) < PAGE or not new:
            break
        params["after"] = str(min(integer(row, key) for row in page) + step)
    return sorted(found.values(), key=lambda row: integer(row, key))
