"""The charts of a market: which figure each draws, with which words. Figures and formulas are those of `metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from disclosures.transparency.metrics import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Chart:
    """`key` is part of its address. `lines` are (column, colour's name, dashed); `form` is line, step or bar; `unit` "share" is
    drawn in percent, "base" and "quote" are the market's assets."""

    key: str
    metric: str
    title: Any
    unit: str
    lines: tuple[tuple[str, str, bool], ...]
    form: str = "line"

    @property
    def figure(self) -> Metric:
        """The metric that it draws."""
        return METRICS[self.metric]

    @property
    def draws(self) -> str:
        """The lines as js/history.js reads them."""
        return " ".join(f"{column}:{colour}{':dashed' if dashed else ''}" for column, colour, dashed in self.lines)


def _depth(key: str, metric: str, title: Any) -> Chart:
    lines = (
        ("our_bid_quote", "bid", False), ("our_ask_quote", "ask", False), ("bid_quote", "bid", True), ("ask_quote", "ask", True),
    )  # fmt: skip
    return Chart(key, metric, title, "quote", lines)


QUOTING: Final = (
    Chart("spread", "spread", _("Spread"), "bps", (("ours_bps", "accent", False), ("market_bps", "soft", True))),
    Chart(
        "uptime", "uptime", _("Uptime"), "share", (("two_sided", "good", False), ("one_sided", "warn", False)), "step"
    ),
    _depth("depth-05", "depth_05", _("Depth within ±0.5 %")),
    _depth("depth-1", "depth_1", _("Depth within ±1 %")),
    _depth("depth-2", "depth_2", _("Depth within ±2 %")),
    Chart(
        "depth-share", "depth_2", _("Our share of the depth within ±2 %"), "share", (("our_share", "accent", False),)
    ),
)
TRADING: Final = (
    Chart(
        "volume",
        "volume",
        _("Volume"),
        "quote",
        (("ours_quote", "accent", False), ("market_quote", "soft", True)),
        "step",
    ),
    Chart("volume-share", "volume", _("Our share of the volume"), "share", (("our_share", "accent", False),), "step"),
    Chart("fill-rate", "fill_rate", _("Fill rate"), "ratio", (("fill_rate", "accent", False),), "step"),
    Chart("inventory", "inventory", _("Our inventory"), "base", (("inventory_base", "accent", False),), "step"),
    Chart("pnl", "pnl", _("Profit and loss"), "quote", (("pnl_quote", "accent", False),), "bar"),
)
AROUND: Final = (
    Chart("volatility", "volatility", _("Volatility"), "sigma", (("sigma", "accent", False),)),
    Chart(
        "regime", "volatility", _("Volatility regime"), "share",
        (("calm", "good", False), ("normal", "bid", False), ("stressed", "bad", False)), "step",
    ),
    Chart(
        "states", "states", _("States"), "share",
        (("active", "good", False), ("reducing", "bid", False), ("paused", "warn", False), ("halted", "bad", False)), "step",
    ),
)  # fmt: skip
GROUPS: Final = ((_("Quoting"), QUOTING), (_("Trading"), TRADING), (_("Market and states"), AROUND))
CHARTS: Final = {chart.key: chart for _title, charts in GROUPS for chart in charts}

COLUMN_WORDS: Final = {
    "ours_bps": _("ours"),
    "market_bps": _("market"),
    "two_sided": _("both quotes"),
    "one_sided": _("one quote"),
    "our_bid_quote": _("our buy offers"),
    "our_ask_quote": _("our sell offers"),
    "bid_quote": _("all buy offers"),
    "ask_quote": _("all sell offers"),
    "our_share": _("our share"),
    "ours_quote": _("ours"),
    "market_quote": _("market"),
    "fill_rate": _("fill rate"),
    "inventory_base": _("inventory"),
    "pnl_quote": _("P&L"),
    "sigma": _("sigma"),
    "calm": _("calm"),
    "normal": _("normal"),
    "stressed": _("stressed"),
    "active": _("active"),
    "reducing": _("reducing only"),
    "paused": _("paused"),
    "halted": _("halted"),
}
RANGE_WORDS: Final = {
    "1h": _("1 hour"),
    "24h": _("24 hours"),
    "7d": _("7 days"),
    "30d": _("30 days"),
    "90d": _("90 days"),
    "1y": _("1 year"),
    "all": _("All"),
}
BUCKET_WORDS: Final = {"minute": _("by minute"), "hour": _("by hour"), "day": _("by day")}
