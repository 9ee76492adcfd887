"""A small desk in the database, and entries for its inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from trading.hot_state.codec import encode
from trading.hot_state.inbox import InboxEntry
from trading.hot_state.values import CursorMove, MarketView, RawFill, RawTransfer
from trading.models import Asset, Market, Venue, VenueAccount

NOW = datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC)
NOW_NS = 1_767_225_600_000_000_000
D = Decimal
_numbers = count(1)


def declare_desk() -> None:
    """Two venues with an account each, three assets, one market per account."""
    for asset in ("dct", "gram", "usdt"):
        Asset.objects.create(id=asset, name=asset, decimals=9)
    for venue, adapter, slug, base, symbol in (
        ("dex", "ton_dex", "dct-usdt-dex", "dct", "DCT/USDT"),
        ("cex", "ccxt_okx", "gram-usdt-cex", "gram", "GRAM-USDT"),
    ):
        row = Venue.objects.create(slug=venue, name=venue, kind="order_book", adapter=adapter)
        account = VenueAccount.objects.create(venue=row, slug=f"{venue}-desk")
        Market.objects.create(
            slug=slug, account=account, base_id=base, quote_id="usdt", venue_symbol=symbol, lot_size=D(1000)
        )


def fill(trade_id: str = "1", side: str = "buy", price: str = "0.25", size: str = "100", **changes: Any) -> RawFill:
    """A fill on the DEX market with a fee of 0.01 USDT unless told otherwise."""
    values: dict[str, Any] = {
        "market": "dct-usdt-dex",
        "venue": "dex",
        "account": "dex-desk",
        "symbol": "DCT/USDT",
        "trade_id": trade_id,
        "order_id": "o1",
        "client_order_id": "m1b0e1c1",
        "side": side,
        "price": D(price),
        "size": D(size),
        "maker": True,
        "fee": D("0.01"),
        "fee_asset": "usdt",
        "venue_ns": NOW_NS,
        "source": "stream",
        "received_ns": NOW_NS,
    }
    return RawFill(**(values | changes))


def transfer(transfer_id: str = "t1", asset: str = "usdt", amount: str = "1000", **changes: Any) -> RawTransfer:
    values: dict[str, Any] = {
        "venue": "dex",
        "account": "dex-desk",
        "transfer_id": transfer_id,
        "asset": asset,
        "amount": D(amount),
        "venue_ns": NOW_NS,
        "source": "poll",
        "received_ns": NOW_NS,
    }
    return RawTransfer(**(values | changes))


def entry(value: RawFill | RawTransfer | CursorMove) -> InboxEntry:
    """An inbox entry with a number of its own."""
    return InboxEntry(f"{next(_numbers)}-0", value, encode(value))


def entries(*values: RawFill | RawTransfer | CursorMove) -> list[InboxEntry]:
    return [entry(value) for value in values]


def view(slug: str, reference: str | None, published_ns: int = NOW_NS) -> MarketView:
    """A market view with a reference price."""
    return MarketView(
        slug=slug,
        published_ns=published_ns,
        book_seq=1,
        book_changed_ns=published_ns,
        book_ok=True,
        bids=(),
        asks=(),
        ext_bid=None,
        ext_ask=None,
        reference=D(reference) if reference else None,
        reference_source="book" if reference else "none",
        reference_age_s=0.0,
        rolling_mid=None,
        proof_age_s=0.0,
        sigma_raw=0.0001,
        sigma_effective=0.0001,
        regime="normal",
        is_warm=True,
        vol_samples=100,
        clock_skew_ms=0.0,
        venue_ns=None,
    )
