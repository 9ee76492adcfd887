"""How a parameter set would have fared on a record: the strategy's own functions, one quote per second, fills by
prints through our price (or the recorded opposite best reaching it), at our price, up to the print's size.

No queue position at equal prices, no latency, no market impact: a first filter for starting values, nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bench.fit_record import Header, Step
from trading.risk.side import Side
from trading.risk.states import SidePermission
from trading.strategy.parameters import quote_parameters
from trading.strategy.quote import compute_quote
from trading.strategy.quote_types import Balances, MarketRules, QuoteInputs, Reference, SideQuote
from trading.strategy.rounding import inventory_lots
from trading.strategy.volatility import ewma_params, initial_state, step, total_widening, volatility


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result over a window; money in quote currency, inventory in lots from target."""

    window_s: float
    fills: int
    bid_fills: int
    volume_quote: float
    trading_pnl_quote: float
    median_spread_bps: float
    largest_q_lots: float
    last_q_lots: float
    fewest_fills_300s: int


class _Desk:
    """State of one run: volatility, balances, what was filled."""

    def __init__(
        self,
        header: Header,
        values: Mapping[str, str],
        lot_size: Decimal,
        maker_fee_bps: float,
        base: Decimal,
        quote: Decimal,
        margin: Decimal,
    ) -> None:
        self.header = header
        self.parameters = quote_parameters(values)
        self.ewma = ewma_params(self.parameters)
        self.state = initial_state(self.ewma)
        self.fee = Decimal(str(maker_fee_bps)) / 10_000
        self.market = MarketRules(
            tick=header.tick,
            lot_step=header.lot_step,
            lot_size=lot_size,
            min_size=header.lot_step,
            min_notional=Decimal("0.1"),
            maker_fee_bps=maker_fee_bps,
            max_fee_bps=Decimal(str(maker_fee_bps)),
        )
        self.base, self.quote = base, quote
        self.margin = margin
        self.fills: list[tuple[float, Side, Decimal]] = []
        self.spreads_bps: list[float] = []
        self.inventory: list[float] = []

    def live_through(self, current: Step) -> None:
        """Quote at the step's start and take the fills of its flow."""
        self.state = step(self.state, current.mid, current.t_s, self.ewma)
        result = compute_quote(self._inputs(current))
        if result.delta is not None:
            self.spreads_bps.append(result.delta / current.mid * 1e4)
        for side_quote in (result.bid, result.ask):
            size = _filled(side_quote, current)
            if side_quote.price is not None and size > 0:
                self._book(current.t_s, side_quote.side, side_quote.price, size)

    def _inputs(self, current: Step) -> QuoteInputs:
        sigma = volatility(self.state, self.ewma)
        q_lots = inventory_lots(self.base, self.parameters.q_target_lots, self.market.lot_size)
        self.inventory.append(q_lots)
        return QuoteInputs(
            reference=Reference(current.mid, "book", 0.0),
            best_bid=_on_tick(current.bid, self.header),
            best_ask=_on_tick(current.ask, self.header),
            q_lots=q_lots,
            sigma=sigma.effective,
            widen_factor=total_widening(self.parameters, sigma.regime),
            bid_permission=SidePermission.ALL,
            ask_permission=SidePermission.ALL,
            market=self.market,
            balances=self._balances(current),
            parameters=self.parameters,
        )

    def _balances(self, current: Step) -> Balances:
        """What is held; on a perpetual (margin below 1), what the settled money covers."""
        if self.margin == 1:
            return Balances(self.base, self.quote)
        worth = (self.quote + self.base * Decimal(repr(current.mid))) / self.margin
        return Balances(worth / Decimal(repr(current.mid)), worth)

    def _book(self, t_s: float, side: Side, price: Decimal, size: Decimal) -> None:
        notional = price * size
        signed = size if side is Side.BUY else -size
        self.base += signed
        self.quote -= signed * price + notional * self.fee
        self.fills.append((t_s, side, notional))


def simulate(
    steps: Sequence[Step],
    header: Header,
    values: Mapping[str, str],
    lot_size: Decimal,
    maker_fee_bps: float,
    deposits: tuple[Decimal, Decimal],
    margin: Decimal = Decimal(1),
) -> Outcome:
    """Run `values` over `steps`, starting from `deposits` (base, quote); trading P&L is marked at the last mid and
    leaves out what the deposits alone would have gained or lost. `margin`: of a perpetual, the part of the notional asked for."""
    base, quote = deposits
    desk = _Desk(header, values, lot_size, maker_fee_bps, base, quote, margin)
    for current in steps:
        desk.live_through(current)
    start_s, end_s = steps[0].t_s, steps[-1].t_s
    return Outcome(
        window_s=end_s - start_s,
        fills=len(desk.fills),
        bid_fills=sum(side is Side.BUY for _, side, _ in desk.fills),
        volume_quote=float(sum((notional for _, _, notional in desk.fills), Decimal(0))),
        trading_pnl_quote=float(desk.base - base) * steps[-1].mid + float(desk.quote - quote),
        median_spread_bps=sorted(desk.spreads_bps)[len(desk.spreads_bps) // 2],
        largest_q_lots=max(abs(q) for q in desk.inventory),
        last_q_lots=desk.inventory[-1],
        fewest_fills_300s=_fewest([t_s for t_s, _, _ in desk.fills], start_s, end_s, 300.0),
    )


def _on_tick(price: float, header: Header) -> Decimal:
    return round(Decimal(price) / header.tick) * header.tick


def _filled(side_quote: SideQuote, current: Step) -> Decimal:
    """Base quantity of this side that the step's flow takes."""
    if side_quote.price is None:
        return Decimal(0)
    price = float(side_quote.price)
    if side_quote.side is Side.BUY:
        through = sum(p.size for p in current.prints if not p.taker_buys and p.price < price)
        reached = current.lowest_ask <= price
    else:
        through = sum(p.size for p in current.prints if p.taker_buys and p.price > price)
        reached = current.highest_bid >= price
    return side_quote.size if reached else min(side_quote.size, Decimal(str(round(through, 6))))


def _fewest(times: Sequence[float], start_s: float, end_s: float, window_s: float) -> int:
    """Fewest events in any of ten windows spread evenly over the record (one window if it is shorter)."""
    room = max(end_s - start_s - window_s, 0.0)
    starts = [start_s + room * index / 9.0 for index in range(10)]
    return min(sum(begin <= t < begin + window_s for t in times) for begin in starts)
