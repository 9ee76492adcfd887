"""The instruments that the two sandbox venues list, with the records that drive them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from trading.sandbox.types import FeeMode, Instrument, InstrumentKind

RECORDS_DIR = Path(__file__).parent / "records"


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument, its record file and the deposits suggested for the account that trades it.

    An asset that a listing before it in the venue's list brings already is not deposited again.
    """

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

ETH_PERPETUAL = Listing(
    Instrument(
        symbol="ETH/USDT:USDT",
        base="ETH",
        quote="USDT",
        tick=Decimal("0.01"),
        lot_step=Decimal("0.01"),
        min_size=Decimal("0.01"),
        min_notional=Decimal("0.1"),
        maker_fee=Decimal("0.00008"),
        taker_fee=Decimal("0.0005"),
        fee_mode=FeeMode.QUOTE,
        price_band=Decimal("0.2"),
        kind=InstrumentKind.LINEAR_PERPETUAL,
        contract_value=Decimal("0.1"),
        initial_margin=Decimal("0.2"),
        funding_interval_s=60,
    ),
    RECORDS_DIR / "eth_usdt_perp_converted_ethusd_20240808.jsonl.gz",
    (("USDT", Decimal(50000)),),
)

# What can be listed, by symbol; and venue name -> what it lists unless told otherwise.
LISTINGS: dict[str, Listing] = {item.instrument.symbol: item for item in (DCT_USDT, GRAM_USDT, ETH_PERPETUAL)}
VENUES: dict[str, tuple[Listing, ...]] = {"dex": (DCT_USDT,), "cex": (GRAM_USDT, ETH_PERPETUAL)}


def listings(venue: str, symbols: Sequence[str] = (), funding_interval_s: int | None = None) -> tuple[Listing, ...]:
    """What a venue lists: its own markets, or those named; perpetuals with that funding interval.

    KeyError for a symbol that is not in the catalogue.
    """
    chosen = [LISTINGS[symbol] for symbol in symbols] or VENUES[venue]
    if funding_interval_s is None:
        return tuple(chosen)
    return tuple(
        replace(item, instrument=replace(item.instrument, funding_interval_s=funding_interval_s))
        if item.instrument.is_perpetual
        else item
        for item in chosen
    )
