"""What closed buckets say before and after a change, and the rows that tell of every difference."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any, Final

from django.db.models import Model

from disclosures.models import Restatement, RollupDay, RollupHour, RollupMinute
from disclosures.models.measures import LEDGER, MEASURES
from disclosures.transparency.rollups.calendar import HOUR, MINUTE, day_bounds, day_of, hour_of
from disclosures.transparency.rollups.profit import day_profits
from trading.models import MinuteChange

PNL: Final = "pnl_quote"
Key = tuple[str, int, datetime]
# Figures by (bucket, market id, start), then by measure.
Standing = dict[Key, dict[str, Decimal | None]]
_RECOMPUTE: Final = str(MinuteChange.Source.RECOMPUTE)
_LEDGER_CAUSES: Final = frozenset({"fill", "fee", "movement", _RECOMPUTE})
_SAMPLED_CAUSES: Final = frozenset({"cycles", "sample", _RECOMPUTE})
# A day's P&L is valued at a sampled price.
_PNL_CAUSES: Final = _LEDGER_CAUSES | {"sample"}
_TABLES: Final[dict[str, type[Model]]] = {"minute": RollupMinute, "hour": RollupHour, "day": RollupDay}


@dataclass
class Affected:
    """Minutes by (market id, start) with the causes of their change, and the hours and days that hold them."""

    causes: dict[tuple[int, datetime], set[str]] = field(default_factory=dict)

    @cached_property
    def minutes(self) -> list[tuple[int, datetime]]:
        return sorted(self.causes)

    @cached_property
    def hours(self) -> list[tuple[int, datetime]]:
        return sorted({(market, hour_of(at)) for market, at in self.causes})

    @cached_property
    def days(self) -> list[tuple[int, date]]:
        return sorted({(market, day_of(at)) for market, at in self.causes})

    def closed(self, until: datetime | None) -> list[Key]:
        """The buckets that end at or before `until`."""
        if until is None:
            return []
        keys: list[Key] = [("minute", market, at) for market, at in self.minutes if at + MINUTE <= until]
        keys += [("hour", market, at) for market, at in self.hours if at + HOUR <= until]
        bounds = [(market, *day_bounds(day)) for market, day in self.days]
        return keys + [("day", market, start) for market, start, end in bounds if end <= until]

    def why(self, key: Key, measure: str) -> str:
        """The causes of a figure's change; of a day's P&L that follows from an earlier day, those of its market. Only such as can
        change that figure: what was sampled in a minute must not tell that a fill happened in it."""
        bucket, market, start = key
        spans = {"minute": start + MINUTE, "hour": start + HOUR, "day": day_bounds(day_of(start))[1]}
        inside = [words for (one, at), words in self.causes.items() if one == market and start <= at < spans[bucket]]
        others = [words for (one, _), words in self.causes.items() if one == market]
        known = _PNL_CAUSES if measure == PNL else _LEDGER_CAUSES if measure in LEDGER else _SAMPLED_CAUSES
        told = known.intersection(chain(*inside)) or known.intersection(chain(*others))
        # Where its own mark is in another batch, it was summed up along with what is marked in this one.
        return ",".join(sorted(told)) or _RECOMPUTE


def standing(affected: Affected, closed_until: datetime | None) -> Standing:
    """What the closed ones of the affected buckets say now, with P&L of every closed day of their markets from the first affected
    one on: that of earlier days cannot follow from later ones."""
    keys = affected.closed(closed_until)
    found: Standing = {}
    for bucket, table in _TABLES.items():
        wanted = {(market, start) for name, market, start in keys if name == bucket}
        if wanted:
            found |= _rows(bucket, table, wanted)
    if closed_until is not None:
        firsts = dict(reversed(affected.days))
        for market in sorted({key[1] for key in keys}):
            for profit in day_profits(market, firsts[market]):
                if profit.ends_at <= closed_until:
                    found.setdefault(("day", market, profit.starts_at), {})[PNL] = profit.pnl_quote
    return found


def _rows(bucket: str, table: Any, wanted: set[tuple[int, datetime]]) -> Standing:
    rows = table.objects.filter(
        market_id__in={market for market, _ in wanted}, starts_at__in={start for _, start in wanted}
    ).values("market_id", "starts_at", *MEASURES)
    return {
        (bucket, row["market_id"], row["starts_at"]): {name: row[name] for name in MEASURES}
        for row in rows
        if (row["market_id"], row["starts_at"]) in wanted
    }


def restate(affected: Affected, before: Standing, after: Standing, now: datetime) -> int:
    """Write a row for each figure that differs; how many. A bucket that did not exist said nothing before."""
    rows = []
    for key in sorted(after, key=lambda one: (one[1], one[2], one[0])):
        was, figures = before.get(key, {}), after[key]
        for name, value in figures.items():
            old = was.get(name)
            # Nothing recorded and nothing happened say the same.
            if value != old and not (old is None and value == 0):
                rows.append(
                    Restatement(
                        bucket=key[0], market_id=key[1], starts_at=key[2], measure=name, before=old, after=value,
                        causes=affected.why(key, name), at=now,
                    )
                )  # fmt: skip
    Restatement.objects.bulk_create(rows, batch_size=500)
    return len(rows)
