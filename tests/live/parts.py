"""A hub on fakes: sockets that take everything or nothing, a feed to push into, a clock that stands still, a reading at will."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dcmm_portal.live_sockets.outlet import Prepared
from disclosures.live.hub import PublicHub
from disclosures.live.listener import Listener
from disclosures.live.reading import Reading, public_form
from disclosures.transparency.public_market import Basis, Figures
from disclosures.transparency.publication import Publication
from trading.clock import FakeClock

SLUGS = ("dct-usdt-dex", "gram-usdt-cex")
HOUR = datetime(2026, 1, 1, tzinfo=UTC)
LIVE = Publication(3, 60, Decimal("0.05"), 1, 0)


def told(slug: str = SLUGS[0], **changes: Any) -> dict[str, Any]:
    """A message of the live push: what the desk sees, finer than the public may."""
    status = {
        "slug": slug, "venue": "dex", "venue_name": "Dex", "base": "DCT", "quote": "USDT", "symbol": "DCT/USDT",
        "instrument": "spot", "source_label": "", "state": "ACTIVE", "mid": "0.25", "mid_source": "book", "bid": "0.249",
        "bid_size": "1000", "ask": "0.251", "ask_size": "1000", "market_bid": "0.2495", "market_ask": "0.2505",
        "spread_bps": "80", "market_spread_bps": "40",
        "depth": [{"band_pct": "1", "bid": "10", "ask": "11", "our_bid": "1", "our_ask": "2", "is_complete": True}],
        "feed_age_s": 0.1, "parameter_version": 2, "price_decimals": 6, "size_decimals": 2,
        "updated_at": "2026-01-01T00:00:00.000Z",
        "limits": {"target": "200000", "taper": "1", "soft": "2", "hard": "20000"}, "inventory": "203517.4271",
        "unrealised_pnl": "12.4873", "sentence_args": {"inventory": "203517.4271"}, "fills": 37,
    }  # fmt: skip
    return {"type": "market.status", "market": slug, "status": status | changes, "book": {"bids": []}, "trades": []}


def basis(policy: Publication = LIVE) -> Basis:
    figures = Figures(HOUR, {}, HOUR, {}, {}, {}, {slug: Decimal(20_000) for slug in SLUGS})
    return Basis(
        policy, figures, dict.fromkeys(SLUGS), None if policy.quote_granularity_s == 0 else dict.fromkeys(SLUGS)
    )


def reading(policy: Publication = LIVE) -> Reading:
    on = basis(policy)
    return Reading(on, {slug: public_form(told(slug)["status"], on) for slug in SLUGS})


class FakeOutlet:
    """A client that takes everything until `is_full`."""

    def __init__(self) -> None:
        self.got: list[Prepared] = []
        self.is_full = False
        self.dropped: int | None = None
        self.retry: Callable[[], None] = lambda: None

    def write(self, message: Prepared) -> bool:
        if not self.is_full:
            self.got.append(message)
        return not self.is_full

    def when_writable(self, call: Callable[[], None]) -> None:
        self.retry = call

    def drop(self, code: int) -> None:
        self.dropped = code

    @property
    def told(self) -> list[Any]:
        return [json.loads(message.asgi["text"]) for message in self.got]

    @property
    def kinds(self) -> list[tuple[str, str | None]]:
        return [(message["type"], message["market"]) for message in self.told]


class Stage:
    """The hub, what it is fed with, and what it reads."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        self.subscriptions = self.readings = 0
        self.policy = LIVE
        self.problem: Exception | None = None
        self.refused: frozenset[tuple[str, ...]] | Exception = frozenset()
        self.hub = PublicHub(self.clock, self._listen, self._read, self._refuse)

    async def _listen(self) -> AsyncGenerator[dict[str, Any]]:
        self.subscriptions += 1
        while True:
            message = await self.inbox.get()
            if isinstance(message, Exception):
                raise message
            yield message

    def _read(self) -> Reading:
        self.readings += 1
        if self.problem is not None:
            raise self.problem
        return reading(self.policy)

    async def _refuse(self, places: Iterable[tuple[str, ...]]) -> frozenset[tuple[str, ...]]:
        if isinstance(self.refused, Exception):
            raise self.refused
        return self.refused & frozenset(places)

    async def joined(self, countries: tuple[str, ...] = ("",)) -> tuple[Listener, FakeOutlet]:
        outlet = FakeOutlet()
        listener = Listener(outlet, countries)
        await self.hub.join(listener)
        return listener, outlet

    async def push(self, message: Any) -> None:
        """Give the feed something and let the hub deal with it."""
        self.inbox.put_nowait(message)
        await settled()


async def settled(rounds: int = 60) -> None:
    """Let everything that can run do so, thread included."""
    for _ in range(rounds):
        await asyncio.sleep(0.001)
