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
    """Own fills and transfers of one account that trades `kinds` of markets, in ccxt's words."""

    def __init__(self, calls: Calls, identities: Identities, kinds: Sequence[str] = ("spot",)) -> None:
        self._calls = calls
        self._identities = identities
        self._kinds = tuple(kinds)
        # What an earlier call read beyond its limit, by (symbol, cursor) of its last row: no page is asked for twice.
        self._beyond: dict[tuple[str, str], list[OwnFill]] = {}

    async def fills(self, symbol: str | None, unified: str | None, cursor: str, limit: int) -> Sequence[OwnFill]:
        """Own fills after `cursor` (a billId), oldest first."""
        if cursor and not cursor.isdigit():
            raise VenueRejected(RejectReason.OTHER, f"{cursor!r} is no cursor of this venue's fills")
        found = self._beyond.pop((symbol or "", cursor), None)
        if found is None:
            found = [shapes.history_fill(row, self._identities) for row in await self._fill_rows(unified, cursor)]
        page, rest = found[:limit], found[limit:]
        self._beyond.clear()
        if rest:
            self._beyond[(symbol or "", page[-1].cursor)] = rest
        return page

    async def _fill_rows(self, unified: str | None, cursor: str) -> list[Json]:
        """Rows after `cursor`, oldest first, of all kinds of markets: OKX tells one kind at a time."""
        if unified is not None:
            return await self._rows_of(unified, {}, cursor)
        if len(self._kinds) == 1:
            return await self._rows_of(None, {"type": self._kinds[0]}, cursor)
        told = {kind: await self._rows_of(None, {"type": kind}, cursor) for kind in self._kinds}
        every = sorted((row for rows in told.values() for row in rows), key=_bill)
        if not every:
            return []
        # A kind that was asked early may have got fills since, before some that were told by the kind asked last.
        newest = _bill(every[-1])
        for kind in self._kinds[:-1]:
            since = str(_bill(told[kind][-1])) if told[kind] else cursor
            every += [row for row in await self._rows_of(None, {"type": kind}, since) if _bill(row) < newest]
        return sorted(every, key=_bill)

    async def _rows_of(self, unified: str | None, kind: dict[str, str], cursor: str) -> list[Json]:
        async def fetch(params: dict[str, str]) -> Sequence[Json]:
            answer = await self._calls.read(
                "fills", "history", lambda client: client.fetch_my_trades(unified, None, PAGE, kind | params)
            )
            return [shapes.info(trade) for trade in answer]

        return await rows_after(fetch, "billId", cursor)

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


def _bill(row: Json) -> int:
    return integer(row, "billId")


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
