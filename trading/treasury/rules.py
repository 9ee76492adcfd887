"""Why a turn of a buyback programme buys nothing, and how rewards are scored and shared out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Final

# Scores are kept to this; what was paid was computed from exactly what is kept.
SCORE_STEP: Final = Decimal("0.000001")


class SkipReason(StrEnum):
    """Why a turn of a programme bought nothing."""

    BLACKOUT = "blackout"
    DAY_CAP = "day_cap"
    VOLUME_CAP = "volume_cap"
    NO_REFERENCE = "no_reference"
    PRICE_ABOVE_REFERENCE = "price_above_reference"
    OWN_QUOTE_AT_REFERENCE = "own_quote_at_reference"
    MARKET_NOT_ACTIVE = "market_not_active"


@dataclass(frozen=True, slots=True)
class Quality:
    """What one participant did in an epoch: shares 0..1, amounts in quote units."""

    uptime_share: Decimal
    depth_quote: Decimal
    tightness_share: Decimal
    adverse_selection_quote: Decimal


def score(quality: Quality) -> Decimal:
    """uptime × depth × tightness − adverse selection, in quote units; never below zero."""
    earned = quality.uptime_share * quality.depth_quote * quality.tightness_share
    return max(Decimal(0), earned - quality.adverse_selection_quote).quantize(SCORE_STEP, ROUND_DOWN)


def shared_out(budget: Decimal, scores: Mapping[str, Decimal], step: Decimal) -> dict[str, Decimal]:
    """Each participant's part of `budget` by score, rounded down to `step` so that the sum never passes it; none for a score of
    zero."""
    total = sum(scores.values(), Decimal(0))
    if total <= 0:
        return {}
    parts = {name: (budget * one / total).quantize(step, ROUND_DOWN) for name, one in scores.items()}
    return {name: part for name, part in parts.items() if part > 0}
