"""Named gates: what upper rooms must allow before a market that demands it goes further. A missing gate is closed.

A market that demands a gate which does not stand open is at most reducing; the order gate says the same in SQL
(trading/sql/demanded_gates.sql).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from trading.models import Market, NamedGate, TradingControl


@dataclass(frozen=True, slots=True)
class ClosedGate:
    """A gate that does not stand open, with who closed it when; `since` None: nobody ever opened or closed it."""

    name: str
    reason: str
    by: str
    since: datetime | None

    @property
    def code(self) -> str:
        """For programs, and the key of its sentence."""
        return f"gate_{self.name}"


def demands_of(text: str) -> tuple[str, ...]:
    """Names of gates out of `Market.demanded_gates`."""
    return tuple(name for name in text.split(",") if name)


def closed_among(names: Iterable[str]) -> dict[str, ClosedGate]:
    """Those that do not stand open, by name. Asks nothing where there are none."""
    wanted = sorted(set(names))
    known: Mapping[str, NamedGate] = NamedGate.objects.in_bulk(wanted, field_name="name") if wanted else {}
    found = (_closed(name, known.get(name)) for name in wanted)
    return {gate.name: gate for gate in found if gate is not None}


def with_demands(controls: QuerySet[TradingControl]) -> list[tuple[TradingControl, tuple[str, ...]]]:
    """Each control with the gates that the market of its scope demands, in one query; the desk demands none."""
    demanded = Market.objects.filter(slug=OuterRef("scope")).values("demanded_gates")[:1]
    told = Coalesce(Subquery(demanded), Value(""), output_field=CharField())
    return [(row, demands_of(str(getattr(row, "told", "")))) for row in controls.annotate(told=told)]


def _closed(name: str, row: NamedGate | None) -> ClosedGate | None:
    if row is None:
        return ClosedGate(name, "this gate was never opened", "", None)
    return None if row.is_open else ClosedGate(name, row.reason, row.changed_by, row.changed_at)
