"""Reads for pages, API, command and live push: each market as one `MarketStatus`, from hot state and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading.clock import to_datetime
from trading.controls.selectors import Effective, effective_states
from trading.hot_state.market import feed_age_s
from trading.hot_state.overview import HotOverview, read_overviews
from trading.hot_state.values import HotDepth, HotLevel, HotOrder, HotPosition, MarketView
from trading.ledger.arithmetic import OutOfRange, PositionState, mark_to_market
from trading.market_status import DepthBand, ForeignOrder, InventoryLimits, LadderRow, MarketStatus, TapeTrade
from trading.models import Market, Position
from trading.registry.selectors import UnknownMarket

LADDER_LEVELS = 12
TAPE_TRADES = 20
# Older than this, the last cycle's sentence no longer says why the market is or is not quoting.
CYCLE_SILENT_S = 10.0
_BPS = Decimal(10_000)


def all_market_status(now_ns: int) -> tuple[MarketStatus, ...]:
    """Every active market, by id."""
    return _statuses(_rows().filter(is_active=True), now_ns)


def market_status(slug: str, now_ns: int) -> MarketStatus:
    """One market. Raises `UnknownMarket`, naming those there are."""
    found = _statuses(_rows().filter(slug=slug), now_ns)
    if not found:
        raise UnknownMarket(f"there is no market {slug!r}; known markets: {', '.join(known_slugs()) or 'none yet'}")
    return found[0]


def known_slugs() -> tuple[str, ...]:
    """Slugs of the active markets."""
    return tuple(Market.objects.filter(is_active=True).order_by("slug").values_list("slug", flat=True))


def every_slug() -> tuple[str, ...]:
    """Slugs of all markets that there ever were, active or not: for what tells of the past."""
    return tuple(Market.objects.order_by("slug").values_list("slug", flat=True))


def _rows() -> Any:
    return Market.objects.select_related("account__venue", "position", "parameter_set").order_by("pk")


def _statuses(rows: Iterable[Market], now_ns: int) -> tuple[MarketStatus, ...]:
    markets = list(rows)
    hot = read_overviews((market.slug, market.account.slug) for market in markets)
    states = effective_states([market.slug for market in markets], to_datetime(now_ns))
    return tuple(_status(market, hot[market.slug], states[market.slug], now_ns) for market in markets)


def _status(market: Market, hot: HotOverview, state: Effective, now_ns: int) -> MarketStatus:
    ledger = _ledger(market, hot)
    quotes = _quotes(hot)
    return MarketStatus(
        slug=market.slug,
        venue=market.account.venue.slug,
        venue_name=market.account.venue.name,
        base=market.base_id.upper(),
        quote=market.quote_id.upper(),
        symbol=f"{market.base_id}/{market.quote_id}".upper(),
        source_label=market.source_label,
        instrument=market.instrument,
        state=state[0].name,
        state_reasons=state[1],
        limits=_limits(market),
        parameter_version=_related(market, "parameter_set", lambda found: found.version),
        tick=hot.info.tick if hot.info else None,
        lot_step=hot.info.lot_step if hot.info else None,
        open_orders=None if hot.orders is None else sum(1 for order in hot.orders if not order.foreign),
        foreign_orders=tuple(_foreign(order) for order in hot.orders or () if order.foreign),
        **_seen(hot, quotes, now_ns),
        **quotes.fields(),
        **_cycle(hot, now_ns),
        **ledger,
    )


def _foreign(order: HotOrder) -> ForeignOrder:
    return ForeignOrder(order.client_order_id, order.side, order.price, order.resting, order.foreign)


@dataclass(frozen=True, slots=True)
class _Quotes:
    """Our resting orders: best price and whole size a side, remaining size by price."""

    bid: Decimal | None
    bid_size: Decimal | None
    ask: Decimal | None
    ask_size: Decimal | None
    buys: dict[Decimal, Decimal]
    sells: dict[Decimal, Decimal]

    def fields(self) -> dict[str, Any]:
        spread = None
        if self.bid is not None and self.ask is not None and self.ask + self.bid > 0:
            spread = _bps(self.ask - self.bid, (self.ask + self.bid) / 2)
        return {
            "bid": self.bid,
            "bid_size": self.bid_size,
            "ask": self.ask,
            "ask_size": self.ask_size,
            "spread_bps": spread,
        }


def _quotes(hot: HotOverview) -> _Quotes:
    buys, sells = _by_price(hot.orders or (), "buy"), _by_price(hot.orders or (), "sell")
    return _Quotes(
        bid=max(buys, default=None),
        bid_size=sum(buys.values(), Decimal(0)) if buys else None,
        ask=min(sells, default=None),
        ask_size=sum(sells.values(), Decimal(0)) if sells else None,
        buys=buys,
        sells=sells,
    )


def _by_price(orders: Iterable[HotOrder], side: str) -> dict[Decimal, Decimal]:
    sizes: dict[Decimal, Decimal] = {}
    for order in orders:
        if order.side == side and order.resting > 0 and not order.foreign:
            sizes[order.price] = sizes.get(order.price, Decimal(0)) + order.resting
    return sizes


def _bps(width: Decimal, mid: Decimal) -> Decimal:
    return (width / mid * _BPS).quantize(Decimal("0.01"))


def _seen(hot: HotOverview, quotes: _Quotes, now_ns: int) -> dict[str, Any]:
    """What market_data saw; nothing of it where there is no view."""
    view = hot.view
    if view is None:
        return {}
    best_bid, best_ask = _best(view)
    mid = view.reference if view.reference is not None else view.rolling_mid
    market_spread = None
    if best_bid and best_ask and best_ask >= best_bid:
        market_spread = _bps(best_ask - best_bid, (best_ask + best_bid) / 2)
    return {
        "mid": mid,
        "mid_source": view.reference_source,
        "market_bid": best_bid,
        "market_ask": best_ask,
        "market_spread_bps": market_spread,
        "depth": tuple(_band(band) for band in view.depth),
        "bids": _ladder(view.bids, quotes.buys, falling=True),
        "asks": _ladder(view.asks, quotes.sells, falling=False),
        "trades": _tape(view),
        "feed_age_s": feed_age_s(view, now_ns),
        "sigma": view.sigma_effective,
        "regime": view.regime,
        "is_warm": view.is_warm,
        "updated_ns": view.published_ns,
        "funding_rate": view.funding_rate,
        "funding_ns": view.funding_ns,
    }


def _best(view: MarketView) -> tuple[Decimal | None, Decimal | None]:
    return (view.bids[0].price if view.bids else None, view.asks[0].price if view.asks else None)


def _ladder(levels: tuple[HotLevel, ...], ours: dict[Decimal, Decimal], *, falling: bool) -> tuple[LadderRow, ...]:
    """The best levels, then every price of ours further out; a row behind levels left out says so.

    At a price that the view does not reach, what is shown is our own quantity alone.
    """
    rows = [
        LadderRow(level.price, level.size, min(ours.get(level.price, Decimal(0)), level.size))
        for level in levels[:LADDER_LEVELS]
    ]
    sizes = {level.price: level.size for level in levels}
    passed = len(rows)
    for price in sorted(ours, reverse=falling):
        if rows and (price >= rows[-1].price if falling else price <= rows[-1].price):
            continue
        better = sum(level.price > price if falling else level.price < price for level in levels)
        # Behind the view's last level nobody here knows what lies between.
        gap = bool(rows) and (better > passed or better == len(levels))
        size = sizes.get(price, ours[price])
        rows.append(LadderRow(price, size, min(ours[price], size), gap))
        passed = better + 1
    return tuple(rows)


def _tape(view: MarketView) -> tuple[TapeTrade, ...]:
    newest = sorted(view.trades, key=lambda trade: trade.venue_ns, reverse=True)[:TAPE_TRADES]
    return tuple(TapeTrade(trade.side, trade.price, trade.size, to_datetime(trade.venue_ns)) for trade in newest)


def _band(band: HotDepth) -> DepthBand:
    return DepthBand(band.band_pct, band.bid, band.ask, band.our_bid, band.our_ask, band.is_complete)


def _ledger(market: Market, hot: HotOverview) -> dict[str, Any]:
    """Inventory and P&L: the hot position where there is one, else the committed row of PostgreSQL, which is the truth.

    Both speak of booked and pending fills alike: until the ledger books a pending fill at its price, it counts at the
    mark, hence with no P&L of its own.
    """
    row = hot.position or getattr(market, "position", None)
    if row is None:
        return {"inventory": Decimal(0), "realised_pnl": Decimal(0), "unrealised_pnl": Decimal(0), "fees": Decimal(0)}
    return {
        "inventory": row.q + (hot.pending or Decimal(0)),
        "realised_pnl": row.realised,
        "unrealised_pnl": _unrealised(row, hot.view.reference if hot.view else None),
        "fees": row.fees,
        "funding": row.funding if market.instrument != Market.Instrument.SPOT else None,
        "fills": row.fills,
    }


def _unrealised(row: HotPosition | Position, mark: Decimal | None) -> Decimal | None:
    """None where it can't be known: no mark for what is held, or figures that no ledger holds."""
    if mark is None:
        return Decimal(0) if row.q == 0 and row.cost_basis == 0 else None
    try:
        return mark_to_market(PositionState(row.q, row.cost_basis, row.realised), mark).unrealised
    except OutOfRange:
        return None


def _limits(market: Market) -> InventoryLimits | None:
    def of(found: Any) -> InventoryLimits:
        lot = market.lot_size
        return InventoryLimits(
            target=found.q_target_lots * lot,
            taper=found.q_soft_lots * lot,
            soft=found.soft_limit_lots * lot,
            hard=found.q_hard_lots * lot,
        )

    return _related(market, "parameter_set", of)


def _related(market: Market, name: str, of: Callable[[Any], Any]) -> Any:
    """A one-to-one row's figure, None where the row does not exist (Django raises, which here means not yet)."""
    found = getattr(market, name, None)
    return None if found is None else of(found)


def _cycle(hot: HotOverview, now_ns: int) -> dict[str, Any]:
    cycle = hot.cycle
    if cycle is None:
        return {"outcome": "not_quoting", "sentence_key": "status.no_cycle"}
    age_s = max(0.0, (now_ns - cycle.at_ns) / 1e9)
    if age_s > CYCLE_SILENT_S:
        said = {"outcome": "not_quoting", "sentence_key": "status.silent", "sentence_args": {"age_s": f"{age_s:.0f}"}}
    else:
        said = {
            "outcome": cycle.outcome,
            "sentence_key": cycle.sentence_key,
            "sentence_args": dict(cycle.sentence_args),
        }
    return said | {"cycle_age_s": age_s}
