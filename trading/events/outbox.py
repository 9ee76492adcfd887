"""How far publishing is behind: measured by the relay after every batch, and every minute by a worker, for a relay that is gone
measures nothing."""

from __future__ import annotations

from trading import metrics
from trading.models import OutboxEntry


def measure_outbox(now_ns: int) -> float:
    """Set the metrics of the outbox; the age of its oldest event in seconds, 0 where it is empty."""
    oldest = OutboxEntry.objects.order_by("event_id").values_list("event__occurred_at", flat=True).first()
    age_s = 0.0 if oldest is None else max(0.0, now_ns / 1e9 - oldest.timestamp())
    metrics.OUTBOX_LAG_SECONDS.set(age_s)
    metrics.OUTBOX_ENTRIES.set(0 if oldest is None else OutboxEntry.objects.count())
    return age_s
