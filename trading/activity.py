"""What happened lately on a market and what is in force there, for the desk and the staff API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading.market_status import iso, text
from trading.models import Fill, ParameterSet
from trading.parameters.schema import SCHEMA, ParameterSpec


@dataclass(frozen=True, slots=True)
class ParameterInForce:
    """One parameter of the set in force."""

    spec: ParameterSpec
    value: Decimal

    @property
    def is_default(self) -> bool:
        return self.value == self.spec.default


@dataclass(frozen=True, slots=True)
class ParametersInForce:
    """The set in force on a market, with who put it there and why."""

    version: int
    applied_at: datetime
    actor_name: str
    reason: str
    authorised_by: str
    values_hash: str
    groups: tuple[tuple[str, tuple[ParameterInForce, ...]], ...]


def parameters_in_force(slug: str) -> ParametersInForce | None:
    """None where no version was ever applied."""
    row = ParameterSet.objects.filter(market__slug=slug).first()
    if row is None:
        return None
    groups: dict[str, list[ParameterInForce]] = {}
    for spec in SCHEMA:
        groups.setdefault(spec.group.value, []).append(ParameterInForce(spec, getattr(row, spec.name)))
    return ParametersInForce(
        version=row.version,
        applied_at=row.applied_at,
        actor_name=row.actor_name,
        reason=row.reason,
        authorised_by=row.authorised_by,
        values_hash=row.values_hash,
        groups=tuple((name, tuple(found)) for name, found in groups.items()),
    )


def recent_fills(slug: str, limit: int = 25) -> list[dict[str, Any]]:
    """Our last fills on a market, newest first, as JSON."""
    rows = Fill.objects.filter(market__slug=slug).order_by("-executed_at", "-id")[:limit]
    return [fill_json(row) for row in rows]


def fill_json(fill: Fill) -> dict[str, Any]:
    """One fill; `edge_bps` is what it earned against the reference price when it was booked."""
    return {
        "id": fill.pk,
        "side": fill.side,
        "price": text(fill.price),
        "size": text(fill.size),
        "fee": text(fill.fee),
        "fee_asset": fill.fee_asset.upper(),
        "maker": fill.maker,
        "edge_bps": text(_edge_bps(fill)),
        "parameter_version": fill.parameter_version,
        "executed_at": iso(fill.executed_at),
    }


def _edge_bps(fill: Fill) -> Decimal | None:
    if not fill.mid_at_fill:
        return None
    gain = fill.mid_at_fill - fill.price if fill.side == "buy" else fill.price - fill.mid_at_fill
    return (gain / fill.mid_at_fill * 10_000).quantize(Decimal("0.1"))
