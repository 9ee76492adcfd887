"""Counting what cycles did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading import metrics
from trading.hot_state.values import CycleStatus

if TYPE_CHECKING:
    from trading.quoting.record import CycleRecord


def observe_cycle(record: CycleRecord, status: CycleStatus) -> None:
    """Metrics of one decided cycle."""
    slug = record.market.slug
    metrics.CYCLES.labels(slug, status.outcome).inc()
    metrics.CYCLE_SECONDS.labels(slug).observe(record.duration_ms / 1e3)
    metrics.CYCLE_LATENESS_SECONDS.labels(slug).observe(max(0.0, (record.started_ns - record.due.slot_ns) / 1e9))
    if status.spread_bps is not None:
        metrics.QUOTED_SPREAD_BPS.labels(slug).set(status.spread_bps)
    if status.skew_bps is not None:
        metrics.QUOTED_SKEW_BPS.labels(slug).set(status.skew_bps)
    metrics.QUOTED_SIZE.labels(slug, "buy").set(float(status.bid_size or 0))
    metrics.QUOTED_SIZE.labels(slug, "sell").set(float(status.ask_size or 0))
    _observe_inventory(record, slug)
    _observe_orders(record, slug)


def _observe_inventory(record: CycleRecord, slug: str) -> None:
    metrics.INVENTORY_BASE.labels(slug).set(float(record.inputs.position))
    conditions = record.inputs.conditions
    if conditions is not None and conditions.q_lots is not None:
        distance = abs(conditions.q_lots)
        metrics.LIMIT_USE_RATIO.labels(slug, "soft").set(distance / conditions.soft_limit_lots)
        metrics.LIMIT_USE_RATIO.labels(slug, "hard").set(distance / conditions.q_hard_lots)
    facts = None if conditions is None or conditions.breakers is None else conditions.breakers.facts
    if facts is not None and facts.peak_quote is not None and facts.pnl_quote is not None:
        metrics.SESSION_DRAWDOWN.labels(slug).set(facts.peak_quote - facts.pnl_quote)


def _observe_orders(record: CycleRecord, slug: str) -> None:
    for step in record.sent:
        metrics.ORDER_REQUESTS.labels(slug, step.action, step.outcome).inc()
    sent = [step.sent_ns for step in record.sent if step.sent_ns is not None and step.action != "cancel"]
    if sent:
        metrics.SNAPSHOT_TO_SENT_SECONDS.labels(slug).observe(max(0.0, (min(sent) - record.started_ns) / 1e9))
