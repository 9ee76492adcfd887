"""From what was read to the inputs of the decision: every missing or unusable value becomes a coded problem here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from trading.hot_state.market import feed_age_s
from trading.hot_state.snapshot import HotSnapshot
from trading.hot_state.values import HotOrder, MarketView
from trading.orders.foreign import ForeignPolicy
from trading.parameters.validation import MarketScale, cap_covers_floors
from trading.quoting.funds import MarginTerms, usable_balances, usable_margin
from trading.quoting.plan import CycleInputs, SlotOrder, SlotStatus
from trading.registry.selectors import MarketRef
from trading.risk.breakers import BreakerConditions
from trading.risk.order_rules import OrderLimits
from trading.risk.parameters import RiskParameters
from trading.risk.rules import MarketConditions
from trading.risk.side import Side
from trading.risk.states import SidePermission, TradingState
from trading.strategy.parameters import QuoteParameters
from trading.strategy.quote_types import Balances, MarketRules, QuoteInputs, Reference
from trading.strategy.rounding import inventory_lots
from trading.strategy.volatility import Regime, total_widening
from trading.venues.interface import MarketInfo

_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Governed:
    """What PostgreSQL governs, as this process last read it: stored states and the market's parameters.

    `problem` is coded ("" when all is well): no parameters, a hash that does not fit them, controls unknown."""

    state: TradingState
    state_reasons: tuple[str, ...]
    parameters: QuoteParameters | None
    parameter_version: int
    problem: str
    risk: RiskParameters | None = None


def build_inputs(
    market: MarketRef,
    snapshot: HotSnapshot,
    governed: Governed,
    epoch: int,
    now_ns: int,
    *,
    amend_supported: bool,
    breakers: BreakerConditions | None,
) -> CycleInputs:
    """The inputs of `decide`. `breakers` None: the numbers for them are missing, as will be those of the quote."""
    tightened = [TradingState(state) for state in snapshot.tightened]
    state = max([governed.state, *tightened], key=lambda one: one.strictness)
    reasons = governed.state_reasons if state is governed.state else (f"state_{state.value}",)
    problem, args = _problem(snapshot, governed, now_ns)
    target = Decimal(0) if governed.parameters is None else governed.parameters.q_target_lots * market.lot_size
    committed = Decimal(0) if snapshot.position is None else snapshot.position.q
    inputs = CycleInputs(
        slug=market.slug,
        at_ns=now_ns,
        state=state,
        state_reasons=reasons,
        problem=problem,
        problem_args=args,
        conditions=None,
        quote=None,
        position=committed + snapshot.pending,
        target=target,
        unsettled_bought=_unsettled(snapshot.orders, "buy"),
        unsettled_sold=_unsettled(snapshot.orders, "sell"),
        orders=tuple(slot_order(order, epoch) for order in snapshot.orders if order.gone_ns == 0),
        amend_supported=amend_supported,
        parameter_version=governed.parameter_version,
    )
    known = (snapshot.view, snapshot.info, governed.parameters, governed.risk, breakers)
    if problem or any(one is None for one in known):
        return inputs
    return _with_numbers(inputs, market, snapshot, governed, breakers)


def _problem(snapshot: HotSnapshot, governed: Governed, now_ns: int) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The first thing that keeps the numbers from being formed, with what its sentence needs."""
    if snapshot.corrupt:
        return "hot_state_corrupt", (("keys", ", ".join(snapshot.corrupt)),)
    if governed.problem:
        return governed.problem, ()
    if snapshot.occupied is not None:
        return "account_in_use", (("detail", snapshot.occupied.installation or "?"),)
    missing = _missing(snapshot)
    if missing or snapshot.view is None or snapshot.info is None:
        return missing, ()
    age_s = feed_age_s(snapshot.view, now_ns)
    stale_s = governed.parameters.feed_stale_s if governed.parameters else 0.0
    if age_s > stale_s:
        return "feed_stale", (("feed_age_s", f"{age_s:.1f}"), ("feed_stale_s", f"{stale_s:g}"))
    if not snapshot.view.connected:
        return snapshot.view.problem or "disconnected", ()
    if not snapshot.view.book_ok:
        return snapshot.view.problem or "book_unusable", ()
    if snapshot.view.reference is None:
        return "no_reference", ()
    if governed.parameters is not None and snapshot.info is not None:
        return _cap_problem(governed.parameters, snapshot.info, snapshot.view.reference)
    return "", ()


def _missing(snapshot: HotSnapshot) -> str:
    """The first of a cycle's inputs that is not there."""
    if not snapshot.reconciled:
        return "not_reconciled"
    if snapshot.view is None:
        return "no_market_view"
    if snapshot.position is None:
        return "no_position"
    return "no_market_info" if snapshot.info is None else ""


def _cap_problem(
    parameters: QuoteParameters, info: MarketInfo, reference: Decimal
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A cap below what the venue's fees or two ticks demand would quote at a loss. A reference that is no price has its own
    rule."""
    if not (reference.is_finite() and reference > 0):
        return "", ()
    return cap_problem(parameters, MarketScale(float(info.maker_fee * _BPS), float(info.tick / reference * _BPS)))


def cap_problem(parameters: QuoteParameters, scale: MarketScale) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The coded problem of a cap below what fee and tick demand, with its numbers; "" where there is none."""
    for error in cap_covers_floors(parameters, scale):
        return error.code.value, error.data
    return "", ()


def _with_numbers(
    inputs: CycleInputs,
    market: MarketRef,
    snapshot: HotSnapshot,
    governed: Governed,
    breakers: BreakerConditions | None,
) -> CycleInputs:
    view, info, parameters, risk = snapshot.view, snapshot.info, governed.parameters, governed.risk
    if view is None or info is None or parameters is None or risk is None or breakers is None:
        return inputs
    reference = Reference(float(view.reference or 0), view.reference_source, view.reference_age_s)
    q_lots = inventory_lots(inputs.position, parameters.q_target_lots, market.lot_size)
    conditions = MarketConditions(
        feed_age_s=feed_age_s(view, inputs.at_ns),
        best_bid=view.bids[0].price if view.bids else None,
        best_ask=view.asks[0].price if view.asks else None,
        reference_price=reference.price,
        q_lots=q_lots,
        feed_stale_s=parameters.feed_stale_s,
        soft_limit_lots=parameters.soft_limit_lots,
        q_hard_lots=parameters.q_hard_lots,
        breakers=breakers,
        inbox_fraction=snapshot.inbox_fraction,
    )
    rules = market_rules(info, market.lot_size, view.reference or Decimal(0))
    quote = QuoteInputs(
        reference=reference,
        best_bid=view.ext_bid,
        best_ask=view.ext_ask,
        q_lots=q_lots,
        sigma=view.sigma_effective,
        widen_factor=total_widening(
            parameters, _regime(view), view.reference_widen, toxic=toxic_widening(breakers, risk)
        ),
        bid_permission=SidePermission.ALL,
        ask_permission=SidePermission.ALL,
        market=rules,
        balances=_balances(market, snapshot, inputs, info, rules, reference.price),
        parameters=parameters,
    )
    return replace(
        inputs,
        conditions=conditions,
        quote=quote,
        order_limits=order_limits(risk, rules),
        requests_this_minute=_requests_sent(snapshot, inputs.at_ns),
    )


def _balances(
    market: MarketRef,
    snapshot: HotSnapshot,
    inputs: CycleInputs,
    info: MarketInfo,
    rules: MarketRules,
    reference: float,
) -> Balances:
    """What the account can pay for: balances on spot, margin on a perpetual."""
    if not market.is_perpetual:
        return usable_balances(market, snapshot.balances, snapshot.orders, rules.max_fee_bps, inputs.at_ns)
    terms = MarginTerms(market.quote, info.initial_margin, max(info.maker_fee, info.taker_fee, Decimal(0)))
    return usable_margin(terms, snapshot.balances, snapshot.orders, inputs.position, reference, inputs.at_ns)


def toxic_widening(breakers: BreakerConditions, risk: RiskParameters) -> float:
    """The widening for flow that is half as bad as what pauses the market."""
    facts = breakers.facts
    if facts.markout_bps is None or facts.markout_fills < breakers.limits.toxicity_fills:
        return 1.0
    return risk.widen_toxic_factor if facts.markout_bps <= -breakers.limits.toxicity_bps / 2 else 1.0


def order_limits(risk: RiskParameters, rules: MarketRules) -> OrderLimits:
    """The bounds of single orders, from parameters and the venue's band."""
    return OrderLimits(
        max_order_notional=risk.max_order_notional,
        max_side_notional=risk.max_side_notional,
        max_distance_bps=risk.max_distance_bps,
        max_requests_per_minute=risk.max_requests_per_minute,
        band_low=rules.price_low,
        band_high=rules.price_high,
    )


def minute_of(at_ns: int) -> int:
    """The minute since the epoch, by which requests are counted."""
    return at_ns // 60_000_000_000


def _requests_sent(snapshot: HotSnapshot, now_ns: int) -> int:
    previous = snapshot.previous
    return previous.requests if previous is not None and previous.requests_minute == minute_of(now_ns) else 0


def _regime(view: MarketView) -> Regime:
    """Normal while nothing was measured; a word never seen before widens."""
    if not view.regime:
        return Regime.NORMAL
    return Regime(view.regime) if view.regime in set(Regime) else Regime.STRESSED


def market_rules(info: MarketInfo, lot_size: Decimal, reference: Decimal) -> MarketRules:
    """The venue's rules in the strategy's units; a price band becomes two prices around the reference."""
    band = info.price_band
    return MarketRules(
        tick=info.tick,
        lot_step=info.lot_step,
        lot_size=lot_size,
        min_size=info.min_size,
        min_notional=info.min_notional,
        maker_fee_bps=float(info.maker_fee * _BPS),
        max_fee_bps=Decimal(0)
        if info.fee_in_received_asset
        else max(info.maker_fee, info.taker_fee, Decimal(0)) * _BPS,
        price_low=None if band is None else reference * (1 - band),
        price_high=None if band is None else reference * (1 + band),
    )


def slot_order(order: HotOrder, epoch: int) -> SlotOrder:
    """An own order as the decision sees it; a status never seen before blocks its slot."""
    amending = order.amend_price is not None
    status = SlotStatus.LIVE if order.status == "LIVE" and not amending else SlotStatus.IN_FLIGHT
    if order.status == "CANCEL_PENDING":
        status = SlotStatus.CANCEL_PENDING
    if order.foreign == ForeignPolicy.ADOPT.value:
        status = SlotStatus.ADOPTED
    largest = max(order.size, order.amend_size) if order.amend_size is not None else order.size
    return SlotOrder(
        client_order_id=order.client_order_id,
        side=Side(order.side),
        level=order.level,
        price=order.price,
        size=order.size,
        filled=order.filled,
        quantity=max(largest - order.filled, Decimal(0)),
        status=status,
        is_current=order.epoch == epoch and not order.foreign,
        is_foreign=bool(order.foreign),
    )


def _unsettled(orders: tuple[HotOrder, ...], side: str) -> Decimal:
    """Filled quantity that the position may not show yet, however long ago it was filled."""
    return sum((order.filled - order.settled_filled for order in orders if order.side == side), Decimal(0))
