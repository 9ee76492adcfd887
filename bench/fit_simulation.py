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


def simulate(
    steps: Sequence[Step],
    header: Header,
    values: Mapping[str, str],
    lot_size: Decimal,
    maker_fee_bps: float,
    deposits: tuple[Decimal, Decimal],
) -> Outcome:
    """Run `values` over `steps`, starting from `deposits` (base, quote); trading P&L is
    marked at the last mid and leaves out what the deposits alone would have gained or lost."""
    parameters = quote_parameters(values)
    ewma = ewma_params(parameters)
    state = initial_state(ewma)
    fee = Decimal(str(maker_fee_bps))
    market = MarketRules(header.tick, header.lot_step, lot_size, header.lot_step, Decimal("0.1"), maker_fee_bps, fee)
    base, quote = deposits
    held_value = float(base) * steps[-1].mid + float(quote)
    fills: list[tuple[Side, Decimal]] = []
    fill_times: list[float] = []
    spreads: list[float] = []
    inventory: list[float] = []
    for current in steps:
        state = step(state, current.mid, current.t_s, ewma)
        sigma = volatility(state, ewma)
        q = inventory_lots(base, parameters.q_target_lots, lot_size)
        inventory.append(q)
        result = compute_quote(
            QuoteInputs(
                reference=Reference(current.mid, "book", 0.0),
                best_bid=_on_tick(current.bid, header),
                best_ask=_on_tick(current.ask, header),
                q_lots=q,
                sigma=sigma.effective,
                widen_factor=total_widening(parameters, sigma.regime, False, 1.0),
                bid_permission=SidePermission.ALL,
                ask_permission=SidePermission.ALL,
                market=market,
                balances=Balances(base, quote),
                parameters=parameters,
            )
        )
        if result.delta is not None:
            spreads.append(result.delta / current.mid * 1e4)
        for side_quote in (result.bid, result.ask):
            size = _filled(side_quote, current)
            if size <= 0 or side_quote.price is None:
                continue
            notional = side_quote.price * size
            quote -= notional * fee / 10_000
            sign = 1 if side_quote.side is Side.BUY else -1
            base, quote = base + sign * size, quote - sign * notional
            fills.append((side_quote.side, notional))
            fill_times.append(current.t_s)
    return Outcome(
        window_s=steps[-1].t_s - steps[0].t_s,
        fills=len(fills),
        bid_fills=sum(side is Side.BUY for side, _ in fills),
        volume_quote=float(sum((notional for _, notional in fills), Decimal(0))),
        trading_pnl_quote=float(base) * steps[-1].mid + float(quote) - held_value,
        median_spread_bps=sorted(spreads)[len(spreads) // 2],
        largest_q_lots=max(abs(q) for q in inventory),
        last_q_lots=inventory[-1],
        fewest_fills_300s=_fewest(fill_times, steps[0].t_s, steps[-1].t_s, 300.0),
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
