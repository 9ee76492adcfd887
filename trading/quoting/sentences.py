"""The one sentence on why a market is or is not quoting: a key with its numbers, put into the reader's language where it is
shown (`trading.sentence_text`)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext_noop as _n

from trading.orders.execute import SentStep
from trading.quoting.plan import CycleInputs, CyclePlan
from trading.strategy.quote_types import SideQuote

SENTENCES: Mapping[str, str] = {
    "quoting": _n("Quoting both sides: %(bid_size)s at %(bid)s and %(ask_size)s at %(ask)s."),
    "feed_stale": _n("Not quoting: the feed is %(feed_age_s)s s old (limit %(feed_stale_s)s s)."),
    "feed_age_unknown": _n("Not quoting: the age of the feed is not known."),
    "not_reconciled": _n("Not quoting: the account has not been compared with its venue since the start."),
    "account_in_use": _n(
        "Not quoting: another copy of the portal (%(detail)s) has orders on this account; only one may quote through it."
    ),
    "no_market_view": _n("Not quoting: market data has not been received yet."),
    "no_position": _n("Not quoting: the ledger has not published the position yet."),
    "no_market_info": _n("Not quoting: the venue's rules of this market are not known yet."),
    "no_reference": _n("Not quoting: no source gives a reference price."),
    "reference_invalid": _n("Not quoting: the reference price is no price."),
    "book_empty": _n("Not quoting: the book is empty."),
    "book_crossed": _n("Not quoting: the book is crossed (%(best_bid)s bid, %(best_ask)s offered)."),
    "book_unusable": _n("Not quoting: the book is empty, crossed or being resynchronised."),
    "stale_book": _n("Not quoting: the book is being resynchronised."),
    "disconnected": _n("Not quoting: the venue's feed is disconnected."),
    "connecting": _n("Not quoting: the venue's feed is being connected."),
    "not_configured": _n("Not quoting: the account has no credential or its venue is not set up."),
    "rate_limited": _n("Not quoting: the venue answers that it was asked too often."),
    "unexpected_answer": _n("Not quoting: the venue's feed sent something that can't be understood."),
    "resynchronising": _n("Not quoting: the book is read again from its beginning."),
    "empty_book": _n("Not quoting: the venue's book is empty."),
    "crossed_book": _n("Not quoting: the venue's book is crossed."),
    "malformed_book": _n("Not quoting: the venue's book is malformed."),
    "own_orders_unreadable": _n("Not quoting: our own orders can't be told from the book's, as they can't be read."),
    "auth_rejected": _n("Not quoting: the venue refuses our credential."),
    "unknown_market": _n("Not quoting: the venue does not list this market."),
    "hot_state_corrupt": _n("Not quoting: the hot state can't be read (%(keys)s)."),
    "no_parameters": _n("Not quoting: this market has no parameters."),
    "parameters_mismatch": _n("Not quoting: the stored parameters do not fit their hash; somebody changed them by hand."),
    "parameters_changed": _n("Not quoting for a moment: new parameters are being read."),
    "controls_unknown": _n("Not quoting: the trading state can't be read from the database."),
    "cap_below_floor": _n(
        "Not quoting: the spread cap of %(cap)s bps is below the %(floor)s bps that %(name)s demands "
        "at the venue's fees and tick."
    ),
    "control_reducing": _n("Quoting only what lowers inventory: an operator set it to reducing."),
    "control_paused": _n("Not quoting: an operator paused it."),
    "control_halted": _n("Not quoting: an operator halted it."),
    "gate_disclosures": _n(
        "Quoting only what lowers inventory: the gate “disclosures” is closed, as a required disclosure is missing or expired."
    ),
    "state_reducing": _n("Quoting only what lowers inventory."),
    "state_paused": _n("Not quoting: it is being paused."),
    "state_halted": _n("Not quoting: it is being halted."),
    "lock_hard_limit": _n("Not quoting: locked since inventory reached the hard limit; two people must resume it."),
    "hard_limit_reached": _n("Not quoting: inventory is %(q_lots)s lots from target (hard limit %(q_hard_lots)s)."),
    "soft_limit_reached": _n(
        "Quoting only what lowers inventory: it is %(q_lots)s lots from target (soft limit %(soft_limit_lots)s)."
    ),
    "inbox_filling": _n(
        "Quoting only what lowers inventory: fills wait for the database, in %(inbox_percent)s percent of the room they have."
    ),
    "inbox_full": _n("Not quoting: fills wait for the database, in %(inbox_percent)s percent of the room they have."),
    "lock_fill_conflict": _n(
        "Quoting only what lowers inventory: locked since a fill contradicts what is booked; two people must resume it."
    ),
    "lock_reconciliation": _n(
        "Quoting only what lowers inventory: locked since ledger and venue differ; two people must resume it."
    ),
    "lock_breaker": _n("Not quoting fully: a circuit breaker holds the market back."),
    "lock_person": _n("Not quoting fully: somebody locked it."),
    "lock_asset_limit": _n("Not quoting: locked since the asset reached its hard limit; two people must resume it."),
    "lock_desk_limit": _n("Not quoting: locked since the desk reached its hard limit; two people must resume it."),
    "asset_hard_limit_reached": _n(
        "Not quoting: the asset is %(asset_base)s units from target (hard limit %(asset_base_hard)s)."
    ),
    "asset_soft_limit_reached": _n(
        "Quoting only what lowers inventory: the asset is %(asset_base)s units from target (soft limit %(asset_base_soft)s)."
    ),
    "desk_hard_limit_reached": _n(
        "Not quoting: the desk's inventory is worth %(desk_quote)s from target (hard limit %(desk_quote_hard)s)."
    ),
    "desk_soft_limit_reached": _n(
        "Quoting only what lowers inventory: the desk's is worth %(desk_quote)s from target (soft limit %(desk_quote_soft)s)."
    ),
    "lock_drawdown": _n("Not quoting: locked since the session's loss reached its limit; two people must resume it."),
    "input_frozen": _n("Not quoting: market data has published nothing for %(view_age_s)s s."),
    "sources_disagree": _n("Not quoting: the reference and the last trade lie %(deviation_bps)s bps apart."),
    "price_jumped": _n("Not quoting: the price is %(jump_bps)s bps away from its mean of the last minute."),
    "volatility_extreme": _n("Not quoting: volatility is %(sigma)s per square root of a second (limit %(sigma_break)s)."),
    "drawdown_reached": _n(
        "Not quoting: the session has lost %(drawdown_quote)s from its best (limit %(drawdown_limit_quote)s)."
    ),
    "pnl_unknown": _n("Not quoting: the session's P&L is not known."),
    "rejects_in_a_row": _n("Not quoting: the venue refused %(rejects_in_a_row)s requests in a row."),
    "flow_toxic": _n("Not quoting: the last fills lost %(markout_bps)s bps on average soon after."),
    "clock_skewed": _n("Not quoting: the venue's clock and ours differ by %(clock_skew_ms)s ms."),
    "clock_unknown": _n("Not quoting: the venue's clock is not known."),
    "balance_unlike_inventory": _n(
        "Quoting only what lowers inventory: the venue's balance is %(balance_gap_lots)s lots off our inventory."
    ),
    "notional_per_order": _n("Not quoting fully: the order's value would be above the largest allowed."),
    "notional_per_side": _n("Not quoting fully: the value resting on one side would be above the largest allowed."),
    "balance_too_small": _n("Not quoting fully: the balance at the venue would not cover the order."),
    "order_rate": _n("Not quoting fully: as many requests as allowed were sent this minute."),
    "price_band": _n("Not quoting fully: the price would lie too far from the reference or outside the venue's band."),
    "self_cross": _n("Not quoting fully: the order would meet one of our own."),
    "inventory_unknown": _n("Not quoting: the inventory is not known."),
    "inventory_limit": _n("One side rests: the other would take inventory towards its limit."),
    "only_reducing": _n("One side rests: the other would add exposure."),
    "state_forbids": _n("Not quoting: the trading state forbids it."),
    "balance_unknown": _n("Not quoting fully: the balance at the venue is not known."),
    "insufficient_balance": _n("Not quoting fully: the balance at the venue is too small."),
    "notional_limit": _n("Not quoting fully: the notional limit per side leaves no order of the venue's minimum."),
    "below_minimum_size": _n("Not quoting fully: the order would be smaller than the venue's minimum."),
    "below_minimum_notional": _n("Not quoting fully: the order's value would be below the venue's minimum."),
    "outside_price_band": _n("Not quoting fully: the price is outside the venue's band."),
    "invalid_input": _n("Not quoting: a number needed for the quote is not usable."),
    "no_positive_price": _n("Not quoting fully: the price would not be positive."),
    "exposure_asset": _n("An order is withheld: worst-case exposure in the asset would pass its limit."),
    "exposure_desk": _n("An order is withheld: worst-case exposure of the desk would pass its limit."),
    "reservations_unknown": _n("An order is withheld: the exposure of another market is not known."),
    "gate_unreachable": _n("An order is withheld: the database could not be asked whether it may be sent."),
    "order_not_amendable": _n("Not quoting fully: an order that was to be moved can't be any more; it is cancelled instead."),
    "not_passed": _n("An order is withheld: it was not let pass."),
    "lease_lost": _n("Not quoting for a moment: another worker has taken this market over."),
    "venue_unavailable": _n("Not quoting: the venue can't be reached (%(detail)s)."),
    "waiting_for_lease": _n("Not quoting for a moment: waiting until no order of an earlier worker can arrive any more."),
    "not_resting": _n("Not quoting fully: an order that is wanted does not rest at the venue yet."),
    "cycle_unfinished": _n("The cycle did not come to its end; what became of its requests was looked up afterwards."),
    "cycle_timeout": _n("The last cycle took longer than it may."),
    "cycle_failed": _n("The last cycle failed (%(detail)s)."),
    "inputs_missing": _n("Not quoting: an input is missing."),
}  # fmt: skip


def sentence_of(inputs: CycleInputs, plan: CyclePlan, sent: tuple[SentStep, ...]) -> tuple[str, dict[str, str]]:
    """Key and numbers of the sentence for a decided cycle."""
    withheld = next((step.detail for step in sent if step.outcome == "withheld"), "")
    if withheld:
        return withheld, {}
    args = {**dict(inputs.problem_args), **{name: value for one in plan.verdicts for name, value in one.data}}
    if plan.outcome == "quoting" and plan.bid is not None and plan.ask is not None:
        return "quoting", {**_side("bid", plan.bid), **_side("ask", plan.ask)}
    return plan.reason or plan.outcome, {name: _short(value) for name, value in args.items()}


def _side(name: str, target: SideQuote) -> dict[str, str]:
    return {name: _plain(target.price), f"{name}_size": _plain(target.size)}


def _plain(number: Decimal | None) -> str:
    return "–" if number is None else format(number.normalize(), "f")


def _short(value: str) -> str:
    """A float's full digits are for replay; people get three."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if len(value) <= 12 else f"{number:.3f}".rstrip("0").rstrip(".")
