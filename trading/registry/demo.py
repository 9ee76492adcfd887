"""The demonstration desk: three markets on the two sandbox venues. Real desks declare their own in the same form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DemoMarket:
    slug: str
    account: str
    base: str
    quote: str
    venue_symbol: str
    source_label: str
    instrument: str = "spot"
    contract_value: Decimal = Decimal(1)


ASSETS = (
    ("dct", "Dynamic Capital Token", 9),
    ("gram", "Gram, the native coin of TON (called Toncoin until June 2026)", 9),
    ("eth", "Ether", 18),
    ("usdt", "Tether USD", 6),
)
# The rename took effect at 2026-06-30 17:00 UTC; an unrelated jetton also carries the ticker GRAM.
RENAMED_AT = datetime(2026, 6, 30, 17, 0, tzinfo=UTC)
ALIASES = (
    ("dct", "DCT", None, None, ""),
    ("gram", "TON", None, RENAMED_AT, "ticker of the native coin before its renaming"),
    ("gram", "GRAM", RENAMED_AT, None, "not the jetton of the same ticker"),
    ("eth", "ETH", None, None, ""),
    ("usdt", "USDT", None, None, ""),
)
VENUES = (
    ("dex", "Sandbox TON DEX", "order_book", "ton_dex", "dex-desk"),
    ("cex", "Sandbox exchange (OKX dialect)", "order_book", "ccxt_okx", "cex-desk"),
)
MARKETS = (
    DemoMarket(
        "dct-usdt-dex", "dex-desk", "dct", "usdt", "DCT/USDT",
        "Recorded market, rescaled: ETH/USDT of 8 August 2024, price × 0.0001, size × 1000",
    ),
    DemoMarket(
        "gram-usdt-cex", "cex-desk", "gram", "usdt", "GRAM-USDT",
        "Recorded swaps, built book: TON/USDT on DeDust, January 2026, time compressed 43-fold",
    ),
    DemoMarket(
        "eth-usdt-perp", "cex-desk", "eth", "usdt", "ETH-USDT-SWAP",
        "Recorded market, units converted: Binance COIN-M ETHUSD perpetual, 8 August 2024, as contracts of 0.1 ETH",
        instrument="linear_perpetual", contract_value=Decimal("0.1"),
    ),
)  # fmt: skip
# Limits of worst-case exposure beyond one market, away from target: base units per asset, quote units for the desk.
EXPOSURE_LIMITS = (
    ("asset", "dct", Decimal(40_000), Decimal(50_000)),
    ("asset", "gram", Decimal(4_000), Decimal(5_000)),
    ("asset", "eth", Decimal(4), Decimal(5)),
    ("desk", "usdt", Decimal(18_000), Decimal(25_000)),
)
