"""The preview of a parameters proposal: quoting before and after over the last recorded window, money, drift.

Computed from the change and the versions it starts from; `governance.review.previewing` keeps it. It reads, locks nothing, and is
bounded in rows and in time: a slow disk or database costs a preview, never a cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused
from governance.review.preview.changes import changed_values, proposed_values
from trading.backtest.drift import Drift, drift_rows
from trading.backtest.engine import PreviewEngine, PreviewResult, PreviewTooSlow, WindowSpec, result_body
from trading.backtest.money import MarketStake, Money, money
from trading.backtest.window_replay import ReplayLimits, WindowReplay
from trading.clock import SystemClock
from trading.models import MmState, ParameterSet
from trading.parameter_versions import version_in_force
from trading.parameters.limits import shared_limits
from trading.parameters.services import current_values
from trading.registry.selectors import MarketRef, active_markets, known_markets
from trading.strategy.codec import to_dict

FORMAT = 1
WINDOW_S = 1800.0
DRIFT_WINDOW_S = 7 * 86_400
# For all markets of one proposal together.
CYCLES = 600
CYCLES_AT_LEAST = 60
DEADLINE_S = 10.0
# Makes the engine for a proposal of so many markets.
EngineFor = Callable[[int], PreviewEngine]
Values = Mapping[str, Mapping[str, Decimal]]


def parameters_preview(
    change: Mapping[str, Any],
    base: Mapping[str, Any],
    now: datetime,
    *,
    engine_for: EngineFor | None = None,
) -> dict[str, Any]:
    """What `change` would mean, as plain JSON; the same recordings and versions give the same bytes.

    `base`: version and hash in force of every market that the change names. Raises `ReviewRefused`: bad_change, unknown_market,
    invalid, stale (another version is in force), too_slow."""
    changed = changed_values(change)
    markets = {market.slug: market for market in known_markets()}
    sets = {row.market.slug: row for row in ParameterSet.objects.select_related("market")}
    if unknown := sorted(slug for slug in changed if slug not in markets or slug not in sets):
        raise ReviewRefused("unknown_market", _("There is no market “%(market)s”.") % {"market": unknown[0]})
    in_force = {slug: {"version": sets[slug].version, "hash": sets[slug].values_hash} for slug in changed}
    if in_force != {slug: dict(part) for slug, part in base.items()}:
        # In the words in which it would be refused when submitted.
        message = _(
            "What this changes has been changed since: edit the proposal so that it starts from what is in force."
        )
        raise ReviewRefused("stale", message)
    before = {slug: current_values(row) for slug, row in sets.items()}
    after = before | {slug: proposed_values(slug, before[slug], values) for slug, values in changed.items()}
    engine = (engine_for or _replay_for)(len(changed))
    results = [_replayed(engine, markets[slug], before[slug], after[slug], now) for slug in changed]
    return {
        "format": FORMAT,
        "change": {"markets": changed},
        "base": in_force,
        "markets": [result_body(result) for result in results],
        "money": dict(to_dict(_money(results, before, after, now))),
        "drift": [dict(to_dict(_drift(slug, before[slug], after[slug], now))) for slug in changed],
    }


def _replay_for(markets: int) -> PreviewEngine:
    """The bounds hold for the proposal: several markets share them."""
    limits = ReplayLimits(cycles=max(CYCLES_AT_LEAST, CYCLES // markets), deadline_s=DEADLINE_S / markets)
    return WindowReplay(settings.DATA_DIRECTORY / "records", SystemClock(), limits)


def _replayed(
    engine: PreviewEngine,
    market: MarketRef,
    before: Mapping[str, Decimal],
    after: Mapping[str, Decimal],
    now: datetime,
) -> PreviewResult:
    try:
        return engine.preview(market, before, after, WindowSpec(now, WINDOW_S))
    except PreviewTooSlow as problem:
        message = _("The preview of “%(market)s” was not ready in time: try again.") % {"market": market.slug}
        raise ReviewRefused("too_slow", message) from problem


def _money(results: Iterable[PreviewResult], before: Values, after: Values, now: datetime) -> Money:
    """Of the changed markets with all active ones beside them."""
    marks = {result.market: Decimal(result.mark) for result in results if result.mark is not None}
    assets, desk = shared_limits()
    changed = {slug for slug in before if before[slug] != after[slug]}
    stakes = stakes_of(changed, before, marks, now)
    return money(stakes, before, after, assets, desk, desk_unit(stakes))


def stakes_of(
    also: set[str], values: Collection[str], marks: Mapping[str, Decimal], now: datetime
) -> list[MarketStake]:
    """The active markets, and `also`, that have `values`; without one of `marks` at the last price that is known."""
    shown = ({market.slug for market in active_markets()} | also) & set(values)
    return [
        MarketStake(
            market.slug, market.base, market.quote, market.lot_size, marks.get(market.slug) or _last_mid(market, now)
        )
        for market in known_markets()
        if market.slug in shown
    ]


def desk_unit(stakes: Iterable[MarketStake]) -> str:
    """What the desk counts in."""
    return "+".join(sorted({stake.quote for stake in stakes}))


def _last_mid(market: MarketRef, now: datetime) -> Decimal | None:
    """The reference price of the market's last snapshot that had one."""
    rows = MmState.objects.filter(market_id=market.id, at__lte=now, mid__isnull=False).order_by("-at")
    return rows.values_list("mid", flat=True).first()


def _drift(slug: str, before: Mapping[str, Decimal], after: Mapping[str, Decimal], now: datetime) -> Drift:
    then = version_in_force(slug, now - timedelta(seconds=DRIFT_WINDOW_S))
    if then is None:
        raise ReviewRefused("unknown_market", _("There is no market “%(market)s”.") % {"market": slug})
    rows = drift_rows(then.values, before, after)
    return Drift(slug, then.applied_at.isoformat(), then.version, then.is_whole, rows)
