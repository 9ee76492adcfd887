"""Numbers of a preview as text with a fixed number of places, so that equal results have equal bytes."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from trading.backtest.engine import Count, Figures

BPS_PLACES = 4
SHARE_PLACES = 4
SIZE_PLACES = 8


def fixed(value: float, places: int) -> str:
    """`value` rounded to `places`; never a negative zero."""
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def plain(value: Decimal) -> str:
    """Exact, without exponent and without trailing zeros."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def figures(values: Sequence[float], places: int) -> Figures:
    """Mean and median of `values`."""
    if not values:
        return Figures(None, None)
    return Figures(fixed(math.fsum(values) / len(values), places), fixed(statistics.median(values), places))


def share(part: int, whole: int) -> str:
    """`part` of `whole` as a fraction; 0 of nothing."""
    return fixed(part / whole if whole else 0.0, SHARE_PLACES)


def counts(codes: Iterable[str]) -> tuple[Count, ...]:
    """How often each code came, most frequent first, equals by name."""
    found = Counter(codes)
    return tuple(Count(code, cycles) for code, cycles in sorted(found.items(), key=lambda one: (-one[1], one[0])))
