"""A public table: one value for JSON, CSV, page and feed, so that every door tells the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from disclosures.models import RollupProgress
from disclosures.transparency.publication import Publication
from trading.market_status import iso
from trading.models import Market
from trading.parameter_versions import largest_hard_lots

Cell = str | int | bool | None


@dataclass(frozen=True, slots=True)
class PublicTable:
    """`rows` hold texts as they are told: amounts as plain digits, times in ISO 8601 UTC, None where nothing is known.

    `definition` is a key of `disclosures.transparency.definitions`; `as_of` says when the figures were last summed up.
    """

    name: str
    definition: str
    source: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    policy: Publication
    as_of: datetime | None = None
    about: Mapping[str, Cell] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """`columns` once, then each row in their order."""
        return {
            "name": self.name,
            **self.about,
            "definition": f"/definitions/#{self.definition}",
            "source": self.source,
            "as_of": iso(self.as_of),
            "publication": publication_json(self.policy),
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
        }


def publication_json(policy: Publication) -> dict[str, Cell]:
    """The policy that the figures follow."""
    return {
        "version": policy.version,
        "delay_s": policy.delay_s,
        "inventory_step_share": str(policy.inventory_step_share.normalize()),
        "pnl_granularity_days": policy.pnl_granularity_days,
        "quote_granularity_s": policy.quote_granularity_s,
    }


def summed_at() -> datetime | None:
    """When the sums were last brought up to date; None before the first time."""
    return RollupProgress.objects.filter(pk=1).values_list("rolled_at", flat=True).first()


def closed_until() -> datetime | None:
    """Up to where figures are told: what changes before it is restated. None before anything was summed up."""
    return RollupProgress.objects.filter(pk=1).values_list("closed_until", flat=True).first()


def hard_limits(markets: Iterable[Market]) -> dict[int, Decimal]:
    """By market id the limit of inventory (base units) of which roundings are a fraction; missing without parameters.

    It is the largest that the market ever had: a limit that one person lowers must not tell the past again, finer.
    """
    lot_sizes = {market.pk: market.lot_size for market in markets}
    return {key: lots * lot_sizes[key] for key, lots in largest_hard_lots(lot_sizes).items()}
