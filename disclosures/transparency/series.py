"""A figure of one market over a range, in buckets that the policy lets the public see; never more than `MOST_POINTS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import BigIntegerField, Func, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from disclosures.models import RollupDay, RollupHour, RollupMinute, RollupProgress
from disclosures.models.measures import ADDED, CLOSING
from disclosures.transparency.metrics import METRICS, Bucket, Metric
from disclosures.transparency.publication import Publication, publication_in_force
from disclosures.transparency.rollups.calendar import DAY, HOUR, MINUTE, day_bounds, day_of, hour_of, minute_of
from disclosures.transparency.rollups.profit import day_profits
from disclosures.transparency.tables import Cell, PublicTable, hard_limits
from trading.market_status import iso, text
from trading.models import Market

MOST_POINTS: Final = 1_500
RANGES: Final = {
    "1h": HOUR,
    "24h": DAY,
    "7d": 7 * DAY,
    "30d": 30 * DAY,
    "90d": 90 * DAY,
    "1y": 365 * DAY,
    "all": None,
}
DEFAULT_RANGE: Final = "24h"
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TABLES: Final[dict[timedelta, Any]] = {MINUTE: RollupMinute, HOUR: RollupHour, DAY: RollupDay}
# A whole number is read many times as fast as a time.
_EPOCH_S: Final = Func(
    "starts_at", template="extract(epoch FROM %(expressions)s)::bigint", output_field=BigIntegerField()
)
_WORDS: Final = {MINUTE: "minute", HOUR: "hour", DAY: "day"}


class BadRange(ValueError):
    """What was asked for is no metric, no range, or more than may be asked for; `field` says which part."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Window:
    """Whole buckets from `since` to before `until`."""

    since: datetime
    until: datetime
    bucket: timedelta

    def starts(self) -> Iterator[datetime]:
        at = self.since
        while at + self.bucket <= self.until:
            yield at
            at += self.bucket

    def newest(self, most: int) -> Window:
        """Its last buckets, `most` at most."""
        return replace(self, since=max(self.since, self.until - most * self.bucket))


def asked_range(name: str, since: str, until: str, now: datetime) -> tuple[datetime | None, datetime]:
    """From and to of a named range, or of two times; from is None for all there is. Raises `BadRange`."""
    if since or until:
        if name:
            raise BadRange("range", _("Give a range, or from and to, not both."))
        start, end = _time("from", since), _time("to", until) if until else now
        if not start < end <= now + DAY:
            raise BadRange("to", _("“to” must be after “from”, and not in the future."))
        return start, min(end, now)
    if (wanted := name or DEFAULT_RANGE) not in RANGES:
        raise BadRange("range", _("There are the ranges %(names)s.") % {"names": ", ".join(RANGES)})
    length = RANGES[wanted]
    return None if length is None else now - length, now


def _time(field: str, raw: str) -> datetime:
    """ISO 8601; without an offset it is UTC."""
    try:
        # A plus sign in an address arrives as a space.
        at = datetime.fromisoformat(raw.strip().replace(" ", "+") if "T" in raw else raw)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise BadRange(field, _("must be a time such as 2026-03-01T00:00:00Z")) from problem
    if at < EARLIEST:
        raise BadRange(field, _("must be a time such as 2026-03-01T00:00:00Z"))
    return at


def market_series(
    market: Market, metric_name: str, since: datetime | None, until: datetime, now: datetime
) -> PublicTable:
    """The table of one metric. Raises `BadRange` ("metric")."""
    metric = METRICS.get(metric_name)
    if metric is None:
        raise BadRange("metric", _("There are the metrics %(names)s.") % {"names": ", ".join(METRICS)})
    return market_tables(market, (metric,), since, until, now)[metric_name]


def market_tables(
    market: Market, metrics: Sequence[Metric], since: datetime | None, until: datetime, now: datetime,
    newest: int | None = None, least: timedelta = MINUTE,
) -> dict[str, PublicTable]:  # fmt: skip
    """The tables of several metrics by name, read together, in buckets of `least` or more. With `newest` only that many rows of
    each, in the buckets of the whole range."""
    policy = publication_in_force()
    progress = RollupProgress.objects.filter(pk=1).first()
    # What is told is closed: from then on it changes by a restatement alone.
    now = min(now, progress.closed_until) if progress and progress.closed_until else EARLIEST
    first = first_known(market)
    begin = first if since is None else max(since, first or since)
    tables, windows = {}, {}
    by_name = {metric.name: metric for metric in metrics}
    for metric in metrics:
        about: dict[str, Cell] = {"market": market.slug, "metric": metric.name, "unit": metric.unit}
        columns, rows = ("starts_at", "ends_at", *metric.columns), []
        if metric.follows == "profit":
            columns, about = ("first_day", "last_day", *metric.columns), about | {"bucket": "day"}
            rows = _profits(market, policy, begin, until, now, newest or MOST_POINTS) if begin is not None else []
        elif begin is not None and first is not None and begin <= now:
            window = window_for(metric, policy, begin, min(until, _limit(metric, policy, now)), progress, least)
            about |= {"bucket": _WORDS[window.bucket], "from": iso(window.since), "to": iso(window.until)}
            windows[metric.name] = window.newest(newest or MOST_POINTS)
        rolled_at = progress.rolled_at if progress else None
        tables[metric.name] = PublicTable(
            "series", metric.definition, metric.source, columns, rows, policy, rolled_at, about
        )
    sums = _sums(market, windows, by_name)
    hard = hard_limits([market]).get(market.pk) if windows else None
    for name, window in windows.items():
        told = _rows(market, by_name[name], policy, window, sums[window], hard, first)
        tables[name] = replace(tables[name], rows=told)
    return tables


def first_known(market: Market) -> datetime | None:
    """Start of the market's first minute of which anything was recorded; of its hour or day, where minutes or hours of then are
    not kept."""
    hours = RollupHour.objects.filter(
        market_id=OuterRef("market_id"), starts_at__gte=OuterRef("starts_at"), starts_at__lt=OuterRef("ends_at")
    )
    minutes = RollupMinute.objects.filter(
        market_id=OuterRef("market_id"), starts_at__gte=OuterRef("hour"), starts_at__lt=OuterRef("hour") + HOUR
    )
    days = RollupDay.objects.filter(market=market).order_by("starts_at")
    found = days.annotate(hour=_first(hours)).annotate(minute=_first(minutes))
    return found.values_list(Coalesce("minute", "hour", "starts_at"), flat=True).first()


def _first(rows: Any) -> Subquery:
    return Subquery(rows.order_by("starts_at").values("starts_at")[:1])


def _limit(metric: Metric, policy: Publication, now: datetime) -> datetime:
    """What ends after this is not told yet."""
    limits = {
        "volume": policy.volume_until(now), "inventory": policy.until(now), "quotes": policy.quotes_until(now) or now,
    }  # fmt: skip
    return min((limits[each] for each in metric.follows.split(" and ") if each in limits), default=now)


def window_for(
    metric: Metric,
    policy: Publication,
    since: datetime,
    until: datetime,
    progress: RollupProgress | None,
    least: timedelta = MINUTE,
) -> Window:
    """The finest buckets that the policy allows and of which there are not too many; at the most the last `MOST_POINTS` days."""
    finest = HOUR if metric.follows.startswith("volume") else MINUTE
    if metric.follows.endswith("quotes"):
        finest = max(finest, policy.quote_bucket())
    kept_from = progress.minutes_kept_from if progress else None
    if finest == MINUTE and kept_from is not None and since < kept_from:
        finest = HOUR
    finest = max(finest, least)
    length = until - since
    bucket = next((each for each in (MINUTE, HOUR) if each >= finest and length <= MOST_POINTS * each), DAY)
    start = max(since, until - MOST_POINTS * bucket)
    return Window(_floor(start, bucket), _floor(until, bucket), bucket)


def _floor(at: datetime, bucket: timedelta) -> datetime:
    if bucket == DAY:
        return day_bounds(day_of(at))[0]
    return hour_of(at) if bucket == HOUR else minute_of(at)


def _sums(
    market: Market, windows: Mapping[str, Window], by_name: Mapping[str, Metric]
) -> dict[Window, dict[int, dict[str, Any]]]:
    """The sums by window and beginning (seconds since the epoch), each window read once, with what its metrics need."""
    needs: dict[Window, set[str]] = {}
    for name, window in windows.items():
        needs.setdefault(window, {"base_change"}).update(by_name[name].needs)
    found = {}
    for window, names in needs.items():
        rows = _TABLES[window.bucket].objects.filter(
            market=market, starts_at__gte=window.since, starts_at__lt=window.until
        )
        found[window] = {row["epoch_s"]: row for row in rows.annotate(epoch_s=_EPOCH_S).values("epoch_s", *names)}
    return found


def _rows(
    market: Market, metric: Metric, policy: Publication, window: Window, sums: Mapping[int, Mapping[str, Any]],
    hard: Decimal | None, first: datetime | None,
) -> list[tuple[Cell, ...]]:  # fmt: skip
    """`first`: of the bucket that holds it, only what is after it counts as time."""
    nothing: dict[str, Any] = {name: Decimal(0) for name in ADDED} | {CLOSING: None}
    whole_s = int(window.bucket.total_seconds())
    held = _held_before(market, window.since) if metric.name == "inventory" else Decimal(0)
    rows: list[tuple[Cell, ...]] = []
    begins = iso(window.since)
    for start in window.starts():
        one = sums.get(int(start.timestamp()), nothing)
        held += one["base_change"]
        late_s = int((first - start).total_seconds()) if first is not None and first > start else 0
        seconds = whole_s - late_s
        told = metric.tell(Bucket(one, seconds, policy, hard, held))
        ends = iso(start + window.bucket)
        rows.append((begins, ends, *told))
        begins = ends
    return rows[-MOST_POINTS:]


def _held_before(market: Market, at: datetime) -> Decimal:
    """What the position was at `at`: whole days, then the hours, then the minutes before it (or no minutes, at a whole hour)."""
    day = day_bounds(day_of(at))[0]
    parts = (
        RollupDay.objects.filter(market=market, starts_at__lt=day),
        RollupHour.objects.filter(market=market, starts_at__gte=day, starts_at__lt=hour_of(at)),
        RollupMinute.objects.filter(market=market, starts_at__gte=hour_of(at), starts_at__lt=at),
    )
    return sum((part.aggregate(total=Sum("base_change"))["total"] or Decimal(0) for part in parts), Decimal(0))


def _profits(
    market: Market, policy: Publication, since: datetime, until: datetime, now: datetime, most: int
) -> list[tuple[Cell, ...]]:
    """The last `most` periods; only days that they need are read."""
    first, last = day_of(since), day_of(until)
    told = policy.profits(day_profits(market.pk, _read_from(market, policy, first, min(last, day_of(now)), most)), now)
    kept = [row for row in told if first <= row.last_day <= last]
    return [(row.day.isoformat(), row.last_day.isoformat(), text(row.pnl)) for row in kept[-most:]]


def _read_from(market: Market, policy: Publication, first: date, last: date, most: int) -> date:
    """The first day that `most` periods up to `last`, none of which ends before `first`, can need."""
    return max(policy.period_start(first), policy.read_from([market.pk], most, last) or date.min)
