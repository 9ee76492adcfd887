"""A stored preview as rows of a table: before and after side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from governance.desk.review.words import caveat, value_label
from trading.parameters.schema import BY_NAME


@dataclass(frozen=True, slots=True)
class Row:
    """A figure in both columns; "" where it is not known."""

    label: str
    unit: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MarketPreview:
    """The quoting figures of one market over its window."""

    market: str
    window: Mapping[str, Any]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Money:
    """What is at stake of one market, an asset or the desk."""

    scope: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one parameter has moved in seven days. `then_pct` and `proposed_pct` in per cent of what it was."""

    market: str
    label: str
    unit: str
    then: str
    now: str
    proposed: str
    proposed_pct: str


@dataclass(frozen=True, slots=True)
class ShownPreview:
    """Everything of it that the page shows."""

    markets: tuple[MarketPreview, ...]
    money: tuple[Money, ...]
    drift: tuple[Drift, ...]
    unmarked: tuple[str, ...]


def shown_preview(body: Mapping[str, Any]) -> ShownPreview:
    """`body` as `governance.review.preview` made it."""
    money = body["money"]
    stakes = [
        *(_stake(one) for one in money["markets"]),
        *(_shared(one, money["shared"][-1]["unit"]) for one in money["shared"]),
    ]
    drift = tuple(_drift(one["market"], row) for one in body["drift"] for row in one["rows"])
    return ShownPreview(tuple(_market(one) for one in body["markets"]), tuple(stakes), drift, tuple(money["unmarked"]))


def _market(result: Mapping[str, Any]) -> MarketPreview:
    before, after = result["before"], result["after"]
    rows: tuple[Row, ...] = ()
    if before and after:
        base = _("base units")
        rows = (
            _pair(_("both sides quoted"), _("of the cycles"), before, after, "both_sides", is_share=True),
            _pair(_("no side quoted"), _("of the cycles"), before, after, "no_side", is_share=True),
            _pair(_("spread (median)"), "bps", before, after, "spread_bps", "median"),
            _pair(_("spread at the venue (median)"), "bps", before, after, "quoted_spread_bps", "median"),
            _pair(_("skew (mean)"), "bps", before, after, "skew_bps", "mean"),
            _pair(_("bid size (mean)"), base, before, after, "bid", "size_base", "mean"),
            _pair(_("ask size (mean)"), base, before, after, "ask", "size_base", "mean"),
            _pair(_("distance of the bid (median)"), "bps", before, after, "bid", "distance_bps", "median"),
            _pair(_("distance of the ask (median)"), "bps", before, after, "ask", "distance_bps", "median"),
            _pair(_("trades that would have reached the bid"), "", before, after, "bid", "prints_reached"),
            _pair(_("trades that would have reached the ask"), "", before, after, "ask", "prints_reached"),
        )
    kept = ", ".join(value_label(name) for name in result["not_replayed"])
    notes = [caveat(code) for code in result["caveats"]]
    if kept:
        notes.append(_("Not part of this comparison: %(names)s.") % {"names": kept})
    return MarketPreview(result["market"], result["window"], rows, tuple(notes))


def _pair(
    label: str,
    unit: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *path: str,
    is_share: bool = False,
) -> Row:
    values = [_at(figures, path) for figures in (before, after)]
    if is_share:
        values = [f"{float(value) * 100:.1f} %" if value else "" for value in values]
    return Row(label, unit, *values)


def _at(figures: Any, path: tuple[str, ...]) -> str:
    for step in path:
        figures = None if figures is None else figures[step]
    return "" if figures is None else str(figures)


def _stake(one: Mapping[str, Any]) -> Money:
    before, after, quote = one["before"], one["after"], one["quote"].upper()
    base = _("base units")
    names = (
        ("position_base", _("largest position, target included"), base),
        ("from_target_base", _("furthest from target"), base),
        ("at_risk_quote", _("notional at risk"), quote),
        ("loss_quote", _("loss when the price moves 10 % against it"), quote),
        ("position_loss_quote", _("the same of the whole position"), quote),
        ("resting_side_quote", _("resting on one side at most"), quote),
    )
    return Money(
        one["market"], tuple(Row(label, unit, before[name] or "", after[name] or "") for name, label, unit in names)
    )


def _shared(one: Mapping[str, Any], desk_unit: str) -> Money:
    """An asset is counted in itself, its loss in what the desk counts in."""
    unit, quote = one["unit"].upper(), desk_unit.upper()
    names = [
        ("reachable", _("reachable over all markets"), unit),
        # Told where limits change; with parameters the markets themselves say it.
        ("notional", _("the same in money"), quote),
        ("loss", _("loss when the price moves 10 % against it"), quote),
    ]
    return Money(
        one["scope"],
        tuple(
            Row(label, of, one[f"{name}_before"] or "", one[f"{name}_after"] or "")
            for name, label, of in names
            if f"{name}_before" in one
        ),
    )


def _drift(market: str, row: Mapping[str, Any]) -> Drift:
    unit = _(BY_NAME[row["parameter"]].unit) if row["parameter"] in BY_NAME else row["unit"]
    pct = row["proposed_pct"]
    return Drift(
        market,
        value_label(row["parameter"]),
        unit,
        row["then"],
        row["now"],
        row["proposed"],
        "" if pct is None else pct,
    )
