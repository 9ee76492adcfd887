"""Whether trading may be loosened now: the facts of each market the loosening reaches, judged by `trading.risk`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from trading.controls.commands import DESK, ControlRefused
from trading.controls.gates import ClosedGate, closed_among, demands_of
from trading.controls.selectors import own_states
from trading.controls.shared_exposure import SharedExposure
from trading.hot_state.market import feed_age_s, second_price
from trading.hot_state.overview import HotOverview, read_overviews
from trading.models import Market, ParameterSet, ReconciliationReport
from trading.parameters.services import current_values, values_hash
from trading.risk.breakers import BreakerConditions, BreakerFacts
from trading.risk.parameters import risk_parameters
from trading.risk.resuming import ResumeFacts, assess_resume
from trading.risk.rules import MarketConditions
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Rule, Verdict
from trading.strategy.parameters import QuoteParameters, quote_parameters
from trading.strategy.rounding import inventory_lots

_WORDS = {
    ReasonCode.FEED_STALE: gettext_noop("the feed is too old"),
    ReasonCode.FEED_AGE_UNKNOWN: gettext_noop("the age of the feed is not known"),
    ReasonCode.FEED_DISCONNECTED: gettext_noop("the feed is not connected"),
    ReasonCode.NO_REFERENCE: gettext_noop("there is no reference price"),
    ReasonCode.REFERENCE_INVALID: gettext_noop("the reference price is not a price"),
    ReasonCode.BOOK_EMPTY: gettext_noop("the order book is empty"),
    ReasonCode.BOOK_CROSSED: gettext_noop("the order book is crossed"),
    ReasonCode.HARD_LIMIT_REACHED: gettext_noop("the inventory is outside its hard limit"),
    ReasonCode.SOFT_LIMIT_REACHED: gettext_noop("the inventory is outside its soft limit: only reduce first"),
    ReasonCode.INVENTORY_UNKNOWN: gettext_noop("the inventory is not known"),
    ReasonCode.ASSET_HARD_LIMIT_REACHED: gettext_noop("the asset is outside its hard limit"),
    ReasonCode.ASSET_SOFT_LIMIT_REACHED: gettext_noop("the asset is outside its soft limit: only reduce first"),
    ReasonCode.DESK_HARD_LIMIT_REACHED: gettext_noop("the desk is outside its hard limit"),
    ReasonCode.DESK_SOFT_LIMIT_REACHED: gettext_noop("the desk is outside its soft limit: only reduce first"),
    ReasonCode.INPUT_FROZEN: gettext_noop("market data is not published any more"),
    ReasonCode.SOURCES_DISAGREE: gettext_noop("the reference and the last trade lie far apart"),
    ReasonCode.PRICE_JUMPED: gettext_noop("the price is far from its mean of the last minute"),
    ReasonCode.VOLATILITY_EXTREME: gettext_noop("volatility is above its breaker"),
    ReasonCode.CLOCK_SKEWED: gettext_noop("the venue's clock and ours differ"),
    ReasonCode.CLOCK_UNKNOWN: gettext_noop("the venue's clock is not known"),
    ReasonCode.PARAMETERS_UNKNOWN: gettext_noop("it has no valid parameters"),
    ReasonCode.NOT_RECONCILED: gettext_noop("the ledger was not compared with the venue in the last 5 minutes"),
    ReasonCode.RECONCILIATION_DIFFERS: gettext_noop("the last comparison of ledger and venue found a difference"),
    ReasonCode.GATE_DISCLOSURES: gettext_noop(
        "it demands the gate “disclosures”, which is closed: a required disclosure is missing or expired"
    ),
}


@dataclass(frozen=True, slots=True)
class Failed:
    """A check of a market that speaks against loosening."""

    market: str
    verdict: Verdict

    @property
    def code(self) -> str:
        """market:reason, for programs."""
        return f"{self.market}:{self.verdict.reason.value}"

    @property
    def message(self) -> str:
        """For people, in their language."""
        return f"{self.market}: {_(_WORDS[self.verdict.reason])}"


def failing(scope: str, now: datetime) -> tuple[Failed, ...]:
    """What speaks against loosening `scope`. For the desk: every market but those that stay paused or halted by themselves.

    Reads PostgreSQL and the hot state, which may take seconds: call it before taking row locks.
    """
    wanted = Market.objects.filter(is_active=True).select_related("account", "parameter_set")
    markets = list(wanted if scope == DESK else wanted.filter(slug=scope))
    if scope == DESK:
        states = own_states([market.slug for market in markets], now)
        markets = [market for market in markets if states[market.slug].may_place]
    every = list(Market.objects.filter(is_active=True).select_related("account", "parameter_set"))
    hot = read_overviews((market.slug, market.account.slug) for market in every)
    shared = SharedExposure.of(every, hot)
    closed = closed_among(name for market in markets for name in demands_of(market.demanded_gates))
    return tuple(
        Failed(market.slug, verdict)
        for market in markets
        for verdict in assess_resume(_facts(market, hot[market.slug], shared, closed, now))
    )


def refuse_if_red(failed: tuple[Failed, ...], wanted: TradingState) -> None:
    """One person loosens to `wanted`. Raises `ControlRefused` for a check that imposes something stricter than that."""
    _refuse([one for one in failed if one.verdict.state_imposed.strictness > wanted.strictness])


def refuse_if_red_for_two(failed: tuple[Failed, ...]) -> None:
    """Two people end a lock or a kill. Raises `ControlRefused`.

    The soft limit and a closed gate do not count: they let a market only reduce by themselves, order by order, and a market must
    reduce to come back inside.
    """
    _refuse([one for one in failed if one.verdict.rule not in (Rule.SOFT_LIMIT, Rule.GATE)])


def _refuse(red: list[Failed]) -> None:
    if red:
        # An unknown inventory fails two rules for one reason.
        why = "; ".join(dict.fromkeys(one.message for one in red))
        message = _("Not every check passes: %(why)s.") % {"why": why}
        raise ControlRefused("checks_red", message, tuple(dict.fromkeys(one.code for one in red)))


def _facts(
    market: Market, hot: HotOverview, shared: SharedExposure, closed: Mapping[str, ClosedGate], now: datetime
) -> ResumeFacts:
    now_ns = round(now.timestamp() * 1e9)
    report = ReconciliationReport.objects.filter(account=market.account_id, at__lte=now).order_by("-at", "-pk").first()
    values = _values(market)
    parameters = None if values is None else quote_parameters(values)
    conditions = None if parameters is None else _conditions(market, hot, parameters, now_ns)
    return ResumeFacts(
        conditions=None if conditions is None else shared.joined(conditions, market.base_id),
        is_connected=None if hot.view is None else hot.view.connected,
        is_reconciled=None if report is None else report.equal,
        reconciled_age_s=None if report is None else (now - report.at).total_seconds(),
        breakers=None if values is None or parameters is None else _breakers(hot, values, parameters, now_ns),
        closed_gates=tuple(closed[name].code for name in demands_of(market.demanded_gates) if name in closed),
    )


def _values(market: Market) -> dict[str, Decimal] | None:
    try:
        row = market.parameter_set
    except ParameterSet.DoesNotExist:
        return None
    values = current_values(row)
    return values if values_hash(values) == row.values_hash else None


def _breakers(
    hot: HotOverview, values: dict[str, Decimal], parameters: QuoteParameters, now_ns: int
) -> BreakerConditions:
    """What the market and the venue say now; what a cycle remembers is left out."""
    view = hot.view
    facts = BreakerFacts(
        view_age_s=None if view is None else (now_ns - view.published_ns) / 1e9,
        cycle_s=parameters.refresh_interval_s,
        reference_price=None if view is None or view.reference is None else float(view.reference),
        second_price=None if view is None else second_price(view, parameters.ref_trade_max_age_s, now_ns),
        rolling_mid=None if view is None or view.rolling_mid is None else float(view.rolling_mid),
        sigma=None if view is None else view.sigma_raw,
        pnl_quote=None,
        peak_quote=None,
        rejects_in_a_row=0,
        markout_bps=None,
        markout_fills=0,
        clock_skew_ms=None if view is None else view.clock_skew_ms,
        balance_gap_lots=None,
        balance_gap_s=0.0,
    )
    return BreakerConditions(facts, risk_parameters(values).breakers)


def _conditions(market: Market, hot: HotOverview, parameters: QuoteParameters, now_ns: int) -> MarketConditions:
    view = hot.view
    q_lots = None
    if hot.position is not None and hot.pending is not None:
        held: Decimal = hot.position.q + hot.pending
        q_lots = inventory_lots(held, parameters.q_target_lots, market.lot_size)
    return MarketConditions(
        feed_age_s=None if view is None else feed_age_s(view, now_ns),
        best_bid=view.bids[0].price if view is not None and view.bids else None,
        best_ask=view.asks[0].price if view is not None and view.asks else None,
        reference_price=None if view is None or view.reference is None else float(view.reference),
        q_lots=q_lots,
        feed_stale_s=parameters.feed_stale_s,
        soft_limit_lots=parameters.soft_limit_lots,
        q_hard_lots=parameters.q_hard_lots,
    )
