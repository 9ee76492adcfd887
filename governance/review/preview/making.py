"""Makes a preview: reads what is in force, asks the engine market by market, adds money and drift, and names it by its hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings

from governance.review.preview.changes import PreviewRefused, changed_values, proposed_values
from governance.review.preview.storing import store
from trading.backtest.drift import Drift, drift_rows
from trading.backtest.engine import (
    PreviewEngine,
    PreviewResult,
    PreviewTooSlow,
    WindowSpec,
    canonical_hash,
    result_body,
)
from trading.backtest.money import MarketStake, Money, money
from trading.backtest.window_replay import ReplayLimits, WindowReplay
from trading.clock import SystemClock
from trading.controls.shared_exposure import shared_limits
from trading.models import MmState, ParameterSet
from trading.parameter_versions import version_in_force
from trading.parameters.services import current_values
from trading.registry.selectors import MarketRef, active_markets, known_markets
from trading.strategy.codec import to_dict

FORMAT = 1
PREVIEWED_KIND = "parameters"
WINDOW_S = 1800.0
DRIFT_WINDOW_S = 7 * 86_400
# For all markets of one proposal together.
CYCLES = 600
CYCLES_AT_LEAST = 60
DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class MadePreview:
    """`body` is plain JSON; `hash` that of its canonical text; `change_hash` names the change it is of."""

    subject: str
    change_hash: str
    body: dict[str, Any]
    hash: str
    made_at: datetime


# Makes the engine for a proposal of so many markets.
EngineFor = Callable[[int], PreviewEngine]


def change_hash(kind: str, subject: str, change: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text of a change and what it is a change of."""
    return canonical_hash({"kind": kind, "subject": subject, "change": change})


def make_preview(
    kind: str,
    subject: str,
    change: Mapping[str, Any],
    now: datetime,
    *,
    engine_for: EngineFor | None = None,
) -> Any:
    """The stored preview of `change` (a row of proposal_previews). Reads, and locks nothing. Raises `PreviewRefused`."""
    return store(prepare_preview(kind, subject, change, now, engine_for=engine_for))


def prepare_preview(
    kind: str,
    subject: str,
    change: Mapping[str, Any],
    now: datetime,
    *,
    engine_for: EngineFor | None = None,
) -> MadePreview:
    """The preview, not stored: the same recordings and versions give the same body and hash. Raises `PreviewRefused`."""
    if kind != PREVIEWED_KIND:
        raise PreviewRefused("no_preview", f"a proposal of the kind {kind!r} has no preview")
    changed = changed_values(change)
    markets = {market.slug: market for market in known_markets()}
    sets = {row.market.slug: row for row in ParameterSet.objects.select_related("market")}
    if unknown := sorted(slug for slug in changed if slug not in markets or slug not in sets):
        raise PreviewRefused("unknown_market", f"no market with parameters is called {unknown[0]}")
    before = {slug: current_values(row) for slug, row in sets.items()}
    after = before | {slug: proposed_values(slug, before[slug], values) for slug, values in changed.items()}
    engine = (engine_for or _replay_for)(len(changed))
    results = [_replayed(engine, markets[slug], before[slug], after[slug], now) for slug in changed]
    named = change_hash(kind, subject, change)
    body = {
        "format": FORMAT,
        "change_hash": named,
        "kind": kind,
        "subject": subject,
        "base": {slug: _base(sets[slug]) for slug in changed},
        "markets": [result_body(result) for result in results],
        "money": dict(to_dict(_money(results, before, after, now))),
        "drift": [dict(to_dict(_drift(slug, before[slug], after[slug], now))) for slug in changed],
    }
    return MadePreview(subject, named, body, canonical_hash(body), now)


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
        raise PreviewRefused("too_slow", f"{market.slug}: {problem}; try again") from problem


def base_of(slugs: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Version and hash in force of each market, as a preview keeps them."""
    rows = ParameterSet.objects.filter(market__slug__in=list(slugs)).select_related("market")
    return {row.market.slug: _base(row) for row in rows}


def _base(row: ParameterSet) -> dict[str, Any]:
    return {"version": row.version, "hash": row.values_hash}


def _money(
    results: Iterable[PreviewResult],
    before: Mapping[str, Mapping[str, Decimal]],
    after: Mapping[str, Mapping[str, Decimal]],
    now: datetime,
) -> Money:
    """Of the changed markets with all active ones beside them."""
    marks = {result.market: Decimal(result.mark) for result in results if result.mark is not None}
    assets, desk = shared_limits()
    active = {market.slug for market in active_markets()}
    shown = {slug for slug in before if slug in active or before[slug] != after[slug]}
    stakes = [
        MarketStake(
            market.slug, market.base, market.quote, market.lot_size, marks.get(market.slug) or _last_mid(market, now)
        )
        for market in known_markets()
        if market.slug in shown
    ]
    unit = "+".join(sorted({stake.quote for stake in stakes}))
    return money(stakes, before, after, assets, desk, unit)


def _last_mid(market: MarketRef, now: datetime) -> Decimal | None:
    """The reference price of the market's last snapshot that had one."""
    rows = MmState.objects.filter(market_id=market.id, at__lte=now, mid__isnull=False).order_by("-at")
    return rows.values_list("mid", flat=True).first()


def _drift(slug: str, before: Mapping[str, Decimal], after: Mapping[str, Decimal], now: datetime) -> Drift:
    then = version_in_force(slug, now - timedelta(seconds=DRIFT_WINDOW_S))
    if then is None:
        raise PreviewRefused("unknown_market", f"{slug} has no version of parameters in its history")
    rows = drift_rows(then.values, before, after)
    return Drift(slug, then.applied_at.isoformat(), then.version, then.is_whole, rows)
