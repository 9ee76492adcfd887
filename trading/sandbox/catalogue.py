"""The instruments that the two sandbox venues list, with the records that drive them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from trading.sandbox.types import FeeMode, Instrument

RECORDS_DIR = Path(__file__).parent / "records"


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument, its record file and the deposits suggested for the account that trades it."""

    instrument: Instrument
    record_path: Path
    deposits: tuple[tuple[str, Decimal], ...]


DCT_USDT = Listing(
    Instrument(
        symbol="DCT/USDT",
        base="DCT",
        quote="USDT",
        tick=Decimal("0.000001"),
        lot_step=Decimal("0.1"),
        min_size=Decimal(1),
        min_notional=Decimal("0.1"),
        maker_fee=Decimal("0.00005"),
        taker_fee=Decimal("0.0005"),
        fee_mode=FeeMode.QUOTE,
        price_band=Decimal("0.2"),
    ),
    RECORDS_DIR / "dct_usdt_rescaled_ethusdt_20240808.jsonl.gz",
    (("DCT", Decimal(200000)), ("USDT", Decimal(100000))),
)

GRAM_USDT = Listing(
    Instrument(
        symbol="GRAM/USDT",
        base="GRAM",
        quote="USDT",
        tick=Decimal("0.0001"),
        lot_step=Decimal("0.01"),
        min_size=Decimal("0.1"),
        min_notional=Decimal("0.1"),
        maker_fee=Decimal("0.00008"),
        taker_fee=Decimal("0.0005"),
        fee_mode=FeeMode.RECEIVED,
        price_band=Decimal("0.2"),
    ),
    RECORDS_DIR / "gram_usdt_built_ton_swaps_202601.jsonl.gz",
    (("GRAM", Decimal(20000)), ("USDT", Decimal(50000))),
)

# Venue name -> what it lists.
VENUES: dict[str, tuple[Listing, ...]] = {"dex": (DCT_USDT,), "cex": (GRAM_USDT,)}
