"""Times of day of the Maldives in beat's schedule, whatever zone the machine or Celery keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import crontab

from dcmm_portal.maldives import MALDIVES


class MaldivesCrontab(crontab):
    """A crontab whose hours are those of the Maldives."""

    @property
    def tz(self) -> ZoneInfo:
        return MALDIVES

    def to_local(self, dt: datetime) -> datetime:
        return dt.astimezone(MALDIVES)

    def now(self) -> datetime:
        return datetime.now(MALDIVES)

    def maybe_make_aware(self, dt: datetime, naive_as_utc: bool = True) -> Any:
        return super().maybe_make_aware(dt, naive_as_utc).astimezone(MALDIVES)
