"""One market as a person sees it, as a value, and its JSON form (money as strings, times in ISO 8601 UTC)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trading.clock import to_datetime
from trading.controls.selectors import Imposed

LARGE_LIMIT = Decimal(100)


@dataclass(frozen=True, slots=True)
class LadderRow:
    """One price level of the venue's book; `size` (base) includes `ours`. `gap`: levels before it are left out."""

    price: Decimal
    size: Decimal
    ours: Decimal
    gap: bool = False


@dataclass(frozen=True, slots=True)
class DepthBand:
    """Quote value resting within `band_pct` of the mid on each side, and our part of it.

    `is_complete` is False when the venue tells its book only to somewhere inside the band: the depth is then at least this.
    """

    band_pct: Decimal
    bid: Decimal
    ask: Decimal
    our_bid: Decimal
    our_ask: Decimal
    is_complete: bool


@dataclass(frozen=True, slots=True)
class TapeTrade:
    """A public trade of the venue."""

    side: str
    price: Decimal
    size: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class InventoryLimits:
    """Marks of the inventory gauge in base units; all but `target` are distances from it."""

    target: Decimal
    taper: Decimal
    soft: Decimal
    hard: Decimal


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """One market now. None means not known: no page or program may read it as zero.

    Prices are quote per base, sizes and inventory base units, P&L quote units. `bid`/`ask` are our resting quotes,
    `market_bid`/`market_ask` the best of the venue's whole book. `sigma` is relative, per square root of a second. Of a
    perpetual: `funding` is what it received so far (quote), `funding_rate` what a long pays at `funding_ns`.
    `sentence_key` and `sentence_args` say why the market is or is not quoting, to be worded where they are shown.
    """

    slug: str
    venue: str
    venue_name: str
    base: str
    quote: str
    symbol: str
    source_label: str
    state: str
    state_reasons: tuple[Imposed, ...] = ()
    mid: Decimal | None = None
    mid_source: str = ""
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    market_bid: Decimal | None = None
    market_ask: Decimal | None = None
    spread_bps: Decimal | None = None
    market_spread_bps: Decimal | None = None
    inventory: Decimal | None = None
    limits: InventoryLimits | None = None
    realised_pnl: Decimal | None = None
    unrealised_pnl: Decimal | None = None
    fees: Decimal | None = None
    open_orders: int | None = None
    fills: int = 0
    feed_age_s: float | None = None
    cycle_age_s: float | None = None
    parameter_version: int | None = None
    sigma: float | None = None
    regime: str = ""
    is_warm: bool = False
    outcome: str = ""
    sentence_key: str = ""
    sentence_args: dict[str, str] = field(default_factory=dict)
    depth: tuple[DepthBand, ...] = ()
    bids: tuple[LadderRow, ...] = ()
    asks: tuple[LadderRow, ...] = ()
    trades: tuple[TapeTrade, ...] = ()
    tick: Decimal | None = None
    lot_step: Decimal | None = None
    updated_ns: int | None = None
    instrument: str = "spot"
    funding: Decimal | None = None
    funding_rate: Decimal | None = None
    funding_ns: int | None = None

    @property
    def is_perpetual(self) -> bool:
        """Whether inventory is a position on the price, not a balance."""
        return self.instrument != "spot"

    @property
    def limit_decimals(self) -> int:
        """How many decimals inventory and its limits are told with in whole: none where the hard limit is a large number."""
        return 0 if self.limits is None or self.limits.hard >= LARGE_LIMIT else min(3, decimals_of(self.lot_step, 2))

    @property
    def inventory_decimals(self) -> int:
        """How many decimals the desk sees inventory with."""
        return max(2, self.limit_decimals)

    @property
    def total_pnl(self) -> Decimal | None:
        """Realised plus unrealised, None while either is not known."""
        if self.realised_pnl is None or self.unrealised_pnl is None:
            return None
        return self.realised_pnl + self.unrealised_pnl

    @property
    def from_target(self) -> Decimal | None:
        """Inventory's signed distance from its target (base), which limits and the skew are about."""
        if self.inventory is None or self.limits is None:
            return None
        return self.inventory - self.limits.target

    @property
    def updated_at(self) -> datetime | None:
        """When the market data was published, UTC."""
        return None if self.updated_ns is None else to_datetime(self.updated_ns)

    @property
    def is_quoting(self) -> bool:
        """Both of our sides rest on the book."""
        return self.bid is not None and self.ask is not None


def text(amount: Decimal | None) -> str | None:
    """An amount as plain digits without trailing zeros, never in exponent form."""
    if amount is None:
        return None
    plain = format(amount, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decimals_of(step: Decimal | None, default: int) -> int:
    """How many decimals a price of this tick, or a size of this step, is shown with."""
    if step is None or step <= 0:
        return default
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else default


def _seconds(age_s: float | None) -> float | None:
    # JSON knows no infinity: an age without bound is an age nobody knows.
    return None if age_s is None or age_s == float("inf") else round(age_s, 3)


def _row(row: LadderRow) -> list[str | bool | None]:
    return [text(row.price), text(row.size), text(row.ours), row.gap]


def depth_json(band: DepthBand) -> dict[str, Any]:
    """JSON form of one depth band, quote units as strings."""
    return {
        "band_pct": text(band.band_pct),
        "bid": text(band.bid.quantize(Decimal("0.01"))),
        "ask": text(band.ask.quantize(Decimal("0.01"))),
        "our_bid": text(band.our_bid.quantize(Decimal("0.01"))),
        "our_ask": text(band.our_ask.quantize(Decimal("0.01"))),
        "is_complete": band.is_complete,
    }


def book_json(status: MarketStatus) -> dict[str, Any]:
    """The ladder: [price, size, ours, gap] per level, best first; `gap`: levels before this one are left out."""
    return {"bids": [_row(row) for row in status.bids], "asks": [_row(row) for row in status.asks]}


def trades_json(status: MarketStatus) -> list[dict[str, Any]]:
    """The venue's last public trades, newest first."""
    return [
        {"side": trade.side, "price": text(trade.price), "size": text(trade.size), "at": iso(trade.at)}
        for trade in status.trades
    ]


def quotes_json(status: MarketStatus) -> dict[str, Any]:
    """What may be told to anybody at once: identity, state, prices, our quotes, ages."""
    return {
        "slug": status.slug,
        "venue": status.venue,
        "venue_name": status.venue_name,
        "base": status.base,
        "quote": status.quote,
        "symbol": status.symbol,
        "instrument": status.instrument,
        "source_label": status.source_label,
        "state": status.state,
        "mid": text(status.mid),
        "mid_source": status.mid_source,
        "bid": text(status.bid),
        "bid_size": text(status.bid_size),
        "ask": text(status.ask),
        "ask_size": text(status.ask_size),
        "market_bid": text(status.market_bid),
        "market_ask": text(status.market_ask),
        "spread_bps": text(status.spread_bps),
        "market_spread_bps": text(status.market_spread_bps),
        "depth": [depth_json(band) for band in status.depth],
        "feed_age_s": _seconds(status.feed_age_s),
        "parameter_version": status.parameter_version,
        "price_decimals": decimals_of(status.tick, 6),
        "size_decimals": min(4, decimals_of(status.lot_step, 2)),
        "updated_at": iso(status.updated_at),
    }


def _reason_json(why: Imposed) -> dict[str, Any]:
    return {
        "scope": why.scope,
        "state": why.state.name,
        "rule": why.rule,
        "reason": why.reason,
        "actor": why.by,
        "since": iso(why.since),
    }


def status_json(status: MarketStatus) -> dict[str, Any]:
    """Everything but the ladder and the tape: `status --json`, desk, staff API."""
    limits = status.limits
    return quotes_json(status) | {
        "state_reasons": [_reason_json(why) for why in status.state_reasons],
        "inventory": text(status.inventory),
        "from_target": text(status.from_target),
        "limits": None
        if limits is None
        else {name: text(getattr(limits, name)) for name in ("target", "taper", "soft", "hard")},
        "realised_pnl": text(status.realised_pnl),
        "unrealised_pnl": text(status.unrealised_pnl),
        "total_pnl": text(status.total_pnl),
        "fees": text(status.fees),
        "funding": text(status.funding),
        "funding_rate_bps": text(None if status.funding_rate is None else status.funding_rate * 10_000),
        "funding_at": iso(None if status.funding_ns is None else to_datetime(status.funding_ns)),
        "open_orders": status.open_orders,
        "fills": status.fills,
        "cycle_age_s": _seconds(status.cycle_age_s),
        "sigma": status.sigma,
        "regime": status.regime,
        "is_warm": status.is_warm,
        "outcome": status.outcome,
        "sentence_key": status.sentence_key,
        "sentence_args": status.sentence_args,
    }
