"""What figures and columns of a report are called, and how their values are written, in the reader's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from django.utils.translation import get_language_bidi, gettext_noop
from django.utils.translation import gettext as _

from dcmm_portal.templatetags.figures import MISSING, fixed, percent
from disclosures.transparency.tables import Cell

_TURNS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Writer = Callable[[Cell], str]


def together(words: str) -> str:
    """Numbers and signs that stay in their order amid words that run from right to left."""
    return f"\u2066{words}\u2069" if get_language_bidi() else words


def spoken(value: Cell) -> str:
    """What people wrote, without signs that would turn the writing around it."""
    return _TURNS.sub("\N{REPLACEMENT CHARACTER}", plain(value))


def direction_of(words: str) -> str:
    """ "ltr" or "rtl", as the first letter goes."""
    kinds = (unicodedata.bidirectional(letter) for letter in words)
    return "rtl" if next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L" else "ltr"


def plain(value: Cell) -> str:
    """As it is told; a dash where nothing is known."""
    return MISSING if value is None or value == "" else str(value)


def moment(value: Cell) -> str:
    """A time of the tables (ISO 8601 UTC) to the minute."""
    return MISSING if not value else f"{str(value)[:10]} {str(value)[11:16]}"


def short(value: Cell) -> str:
    """The beginning of a hash."""
    return MISSING if not value else f"{str(value)[:12]}…"


_DEPTH: Final = ("our_bid_quote", "our_ask_quote", "bid_quote", "ask_quote")
_DEPTH_WORDS: Final = {
    "our_bid_quote": gettext_noop("Our depth to buy within %(band)s (%(quote)s)"),
    "our_ask_quote": gettext_noop("Our depth to sell within %(band)s (%(quote)s)"),
    "bid_quote": gettext_noop("Everybody's depth to buy within %(band)s (%(quote)s)"),
    "ask_quote": gettext_noop("Everybody's depth to sell within %(band)s (%(quote)s)"),
    "our_share": gettext_noop("Our share of the depth within %(band)s"),
}
_BANDS: Final = {"depth_05": "±0.5 %", "depth_1": "±1 %", "depth_2": "±2 %"}
# (metric, column): what it is called; how it is written.
_FIGURES: Final[dict[tuple[str, str], tuple[str, Writer]]] = {
    ("spread", "ours_bps"): (gettext_noop("Our spread (bps)"), fixed),
    ("spread", "market_bps"): (gettext_noop("Market's spread (bps)"), fixed),
    **{(metric, name): (_DEPTH_WORDS[name], fixed) for metric in _BANDS for name in _DEPTH},
    **{(metric, "our_share"): (_DEPTH_WORDS["our_share"], percent) for metric in _BANDS},
    ("uptime", "two_sided"): (gettext_noop("Uptime, both sides"), percent),
    ("uptime", "one_sided"): (gettext_noop("Uptime, one side only"), percent),
    ("volume", "ours_quote"): (gettext_noop("Our volume, rounded (%(quote)s)"), fixed),
    ("volume", "market_quote"): (gettext_noop("Market's volume (%(quote)s)"), fixed),
    ("volume", "our_share"): (gettext_noop("Our share of the volume"), percent),
    ("fill_rate", "fill_rate"): (gettext_noop("Fill rate (volume per depth)"), fixed),
    ("pnl", "pnl_quote"): (gettext_noop("Profit and loss (%(quote)s)"), fixed),
    ("inventory", "inventory_base"): (gettext_noop("Inventory at the end, rounded (%(base)s)"), plain),
    ("volatility", "sigma"): (gettext_noop("Volatility (sigma per √s)"), plain),
    ("volatility", "calm"): (gettext_noop("Calm, share"), percent),
    ("volatility", "normal"): (gettext_noop("Normal, share"), percent),
    ("volatility", "stressed"): (gettext_noop("Stressed, share"), percent),
    ("regime", "calm"): (gettext_noop("Calm (minutes)"), plain),
    ("regime", "normal"): (gettext_noop("Normal (minutes)"), plain),
    ("regime", "stressed"): (gettext_noop("Stressed (minutes)"), plain),
    ("states", "active"): (gettext_noop("Active, share"), percent),
    ("states", "reducing"): (gettext_noop("Reducing, share"), percent),
    ("states", "paused"): (gettext_noop("Paused, share"), percent),
    ("states", "halted"): (gettext_noop("Halted, share"), percent),
}

# Columns of the other tables: those shown, in this order. CSV and JSON have all of them.
_COLUMNS: Final[dict[str, dict[str, tuple[str, Writer]]]] = {
    "parameters": {
        "applied_at": (gettext_noop("When (UTC)"), moment),
        "parameter": (gettext_noop("Parameter"), plain),
        "before": (gettext_noop("Before"), plain),
        "after": (gettext_noop("After"), plain),
        "unit": (gettext_noop("Unit"), plain),
        "reason": (gettext_noop("Reason"), spoken),
        "approved_by_role": (gettext_noop("Approved by"), plain),
        "approvals": (gettext_noop("Approvals"), plain),
    },
    "incidents": {
        "started_at": (gettext_noop("Began (UTC)"), moment),
        "kind": (gettext_noop("Kind"), plain),
        "scope": (gettext_noop("Where"), plain),
        "state": (gettext_noop("State"), plain),
        "reason": (gettext_noop("Reason"), spoken),
        "ended_at": (gettext_noop("Ended (UTC)"), moment),
        "reason_of_end": (gettext_noop("Why it ended"), spoken),
    },
    "publication": {
        "applied_at": (gettext_noop("When (UTC)"), moment),
        "version": (gettext_noop("Version"), plain),
        "reason": (gettext_noop("Reason"), spoken),
        "approved_by_role": (gettext_noop("Approved by"), plain),
        "approvals": (gettext_noop("Approvals"), plain),
    },
    "restatements": {
        "restated_at": (gettext_noop("When (UTC)"), moment),
        "market": (gettext_noop("Market"), plain),
        "starts_at": (gettext_noop("Day begins (UTC)"), moment),
        "figure": (gettext_noop("Figure"), plain),
        "before": (gettext_noop("Before"), plain),
        "after": (gettext_noop("After"), plain),
        "causes": (gettext_noop("Why"), plain),
    },
    "documents": {
        "at": (gettext_noop("When (UTC)"), moment),
        "what": (gettext_noop("What"), plain),
        "kind": (gettext_noop("Document"), plain),
        "version": (gettext_noop("Version"), plain),
        "sha256": ("SHA-256", short),
    },
}
TITLES: Final = {
    "parameters": gettext_noop("Parameter changes"),
    "incidents": gettext_noop("Pauses and breakers"),
    "publication": gettext_noop("Publication policy"),
    "restatements": gettext_noop("Restatements of earlier days"),
    "documents": gettext_noop("Documents published"),
}


def figure(metric: str, column: str, names: dict[str, str]) -> tuple[str, Writer]:
    """What a figure of a market is called, and what writes its values. `names`: the market's base and quote."""
    words, writer = _FIGURES[metric, column]
    return _(words) % (names | {"band": together(_BANDS.get(metric, ""))}), writer


def columns(table: str) -> list[tuple[str, str, Writer]]:
    """(column, what it is called, what writes it) of a table, as far as it is shown."""
    return [(name, _(words), writer) for name, (words, writer) in _COLUMNS[table].items()]


def title(kind: str, first: str, last: str) -> str:
    """Of a report."""
    if kind == "daily":
        return _("Daily report, %(day)s") % {"day": together(first)}
    return _("Weekly report, %(first)s to %(last)s") % {"first": together(first), "last": together(last)}
