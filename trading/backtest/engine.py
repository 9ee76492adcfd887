"""What a preview of a market's parameters is, whoever computes it: the interface, its answer, and the answer's hash.

The first engine replays the recorded inputs of recent cycles (`trading.backtest.window_replay`). A full backtest comes behind the
same protocol. Numbers that are not counts are decimal strings of a fixed number of places: what is stored as JSON and read again
has the same bytes, and so the same hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from trading.registry.selectors import MarketRef
from trading.strategy.codec import to_dict


class PreviewTooSlow(Exception):
    """The deadline passed before the preview was whole; nothing of it is used."""


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """The last `seconds` that were recorded of a market up to `until`."""

    until: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean and median; None where there was nothing to measure."""

    mean: str | None
    median: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many of the replayed cycles had `code`."""

    code: str
    cycles: int


@dataclass(frozen=True, slots=True)
class SideFigures:
    """One side over the window. `share`: of the cycles in which it quoted; `size_base` in base units; `distance_bps` of the quote
    from the reference. `prints_reached`: recorded prints at or beyond the quote, `base_reached` their size (None: no prints were
    recorded). `not_quoting`: coded reasons, most frequent first."""

    share: str
    size_base: Figures
    distance_bps: Figures
    prints_reached: int | None
    base_reached: str | None
    not_quoting: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class QuotingFigures:
    """What the quoting functions answered under one set of parameters. Shares are of the replayed cycles.

    `spread_bps`: after guardrails, before the venue's ticks, `skew_bps`: shift of the middle, both where a side quoted;
    `quoted_spread_bps`: between the two prices, where both sides quoted. `decided_by`: what decided the spread."""

    both_sides: str
    one_side: str
    no_side: str
    spread_bps: Figures
    quoted_spread_bps: Figures
    skew_bps: Figures
    decided_by: tuple[Count, ...]
    bid: SideFigures
    ask: SideFigures


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """What was replayed. `source`: decisions, or none where nothing is recorded; `cycles_recorded` in the window,
    `cycles_replayed` of them, evenly spread; `cycles_unreadable`: of those chosen, recorded by code too old to be read.
    `prints_source`: records, or why there are none."""

    source: str
    first_at: str | None
    last_at: str | None
    seconds: str
    cycles_recorded: int
    cycles_replayed: int
    cycles_unreadable: int
    prints_source: str
    prints: int


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """Two sets of parameters side by side. `not_replayed`: parameters that differ and act on what the recording holds only as it
    was; `caveats`: coded, what the comparison does not take into account. `mark`: the last recorded reference price."""

    engine: str
    market: str
    window: WindowFacts
    before: QuotingFigures | None
    after: QuotingFigures | None
    not_replayed: tuple[str, ...]
    caveats: tuple[str, ...]
    mark: str | None


class PreviewEngine(Protocol):
    """Something that can tell what parameters would have meant."""

    def preview(
        self, market: MarketRef, before: Mapping[str, Decimal], after: Mapping[str, Decimal], window: WindowSpec
    ) -> PreviewResult:
        """Both sets (complete, validated, by parameter name) over `window`. The same recordings give the same result.

        Raises:
            PreviewTooSlow: the engine's deadline passed.
        """
        ...


def canonical_json(value: Any) -> str:
    """`value` (plain JSON) as text with one spelling: keys sorted, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_hash(value: Any) -> str:
    """SHA-256 of the canonical text, hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def result_body(result: PreviewResult) -> dict[str, Any]:
    """The result as plain JSON values."""
    return dict(to_dict(result))
