"""Public pages of the treasury: what it holds, what was bought back, what was paid for liquidity."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from disclosures.transparency import treasury_charts as words
from disclosures.transparency.charts import RANGE_WORDS
from disclosures.transparency.dashboard import Asked, asked_of, range_tabs
from disclosures.transparency.histories import BadPage, page_of
from disclosures.transparency.page_answer import page, refused
from disclosures.transparency.series import EARLIEST, BadRange
from disclosures.transparency.tables import PublicTable
from disclosures.transparency.treasury import (
    balances,
    buyback_days,
    buybacks,
    epochs,
    is_demo,
    newest_programme,
    payouts,
    programmes,
    wallets,
)
from trading.clock import to_datetime
from trading.market_status import iso, text
from trading.treasury.selectors import held_assets

DEFAULT_RANGE: Final = "90d"


@require_safe
def treasury(request: HttpRequest) -> HttpResponseBase:
    """`/treasury/`: labelled wallets, what they hold now and held before."""
    return _room(request, "treasury", _told_treasury)


@require_safe
def buybacks_page(request: HttpRequest) -> HttpResponseBase:
    """`/buybacks/`: programmes with their terms, and every turn."""
    return _room(request, "buybacks", _told_buybacks)


@require_safe
def rewards(request: HttpRequest) -> HttpResponseBase:
    """`/rewards/`: epochs with their cap, and every reward with its computation."""
    return _room(request, "rewards", _told_rewards)


def _room(request: HttpRequest, name: str, told: Callable[[Asked], dict[str, Any]]) -> HttpResponseBase:
    here = reverse(name)
    try:
        asked = asked_of(request.GET, to_datetime(time.time_ns()), DEFAULT_RANGE)
    except BadRange as problem:
        return refused(request, str(problem), [(f"{here}?range={each}", word) for each, word in RANGE_WORDS.items()])
    rooms = (("treasury", _("Treasury")), ("buybacks", _("Buybacks")), ("rewards", _("Rewards")))
    context: dict[str, Any] = {
        "rooms": [(reverse(room), word, room == name) for room, word in rooms],
        "tabs": range_tabs(asked), "asked": asked, "is_demo": is_demo(), "here": "treasury",
    }  # fmt: skip
    context |= told(asked)
    try:
        rows = page_of(context["rows"], request.GET.get("page", ""))
    except BadPage as problem:
        return refused(request, str(problem), [(f"{here}?{asked.query}", _("The first page"))])
    context["rows"] = rows
    context["newer"] = f"?{asked.query}&page={rows.previous_page_number()}" if rows.has_previous() else ""
    context["older"] = f"?{asked.query}&page={rows.next_page_number()}" if rows.has_next() else ""
    return page(request, f"public/{name}.html", context)


def _dicts(table: PublicTable) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _at(told: Any) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def _told_treasury(asked: Asked) -> dict[str, Any]:
    table = wallets()
    rows = [
        row
        | {
            "network_word": words.NETWORKS.get(row["network"], row["network"]),
            "purpose_word": words.PURPOSES.get(row["purpose"], row["purpose"]),
            "observed_at_time": _at(row["observed_at"]),
        }
        for row in _dicts(table)
    ]
    labels = {row["wallet"]: row["label"] for row in rows}
    held = [balances(asset, asked.since, asked.until, asked.now) for asset in held_assets()]
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row["asset"] and not _is_retired(row, asked.now):
            sums[row["asset"]] = sums.get(row["asset"], Decimal(0)) + Decimal(row["amount"])
    return {
        "rows": rows, "as_of": table.as_of, "charts": [words.balance_chart(one, labels, asked) for one in held],
        "totals": [(asset.upper(), text(total)) for asset, total in sorted(sums.items())],
    }  # fmt: skip


def _is_retired(row: dict[str, Any], now: datetime) -> bool:
    at = _at(row["retired_at"])
    return at is not None and at <= now


def _older(asked: Asked, rows: PublicTable, until: Any) -> str:
    """The address of the period before `until` (ISO 8601) where older rows are left off; else empty. Times are told to the
    millisecond: one more keeps what lies within it."""
    at = _at(until) if rows.about["left_off"] else None
    told = {"from": iso(asked.since or EARLIEST), "to": iso(at + timedelta(milliseconds=1)) if at else ""}
    return f"?{urlencode(told, safe=':')}" if at else ""


def _told_buybacks(asked: Asked) -> dict[str, Any]:
    table, programme = buybacks(asked.since, asked.until, asked.now), newest_programme(asked.now)
    rows = [
        row
        | {
            "at_time": _at(row["at"]),
            "outcome_word": words.OUTCOMES.get(row["outcome"], row["outcome"]),
            "tone": words.OUTCOME_TONES.get(row["outcome"], ""),
            "reason_word": words.REASONS.get(row["reason"], row["reason"]),
        }
        for row in _dicts(table)
    ]
    terms = [
        row
        | {
            "status_word": words.STATUSES.get(row["status"], row["status"]),
            "hours": text(Decimal(row["interval_s"]) / 3600),
            "from_time": _at(row["starts_at"]),
            "until_time": _at(row["ends_at"]),
        }
        for row in _dicts(programmes())
    ]
    context: dict[str, Any] = {
        "rows": rows,
        "terms": terms,
        "as_of": table.as_of,
        "charts": [],
        "base": "",
        "quote": "",
    }
    context |= {"most": len(rows), "older_period": _older(asked, table, rows[-1]["at"] if rows else "")}
    if programme is None:
        return context
    days = buyback_days(programme, asked.since, asked.until, asked.now)
    door, market = "api-public-buyback-days", programme.market
    charts = [
        words.shown(words.BOUGHT, days, asked, door, market.base_id, programme=programme.slug),
        words.shown(words.PRICES, days, asked, door, market.quote_id, programme=programme.slug),
    ]
    return context | {"charts": charts, "base": market.base_id.upper(), "quote": market.quote_id.upper()}


def _told_rewards(asked: Asked) -> dict[str, Any]:
    table, paid = epochs(asked.since, asked.until), payouts(asked.since, asked.until)
    assets = {row["asset"] for row in _dicts(table)}
    # Amounts of different assets have no common axis.
    charts = [words.shown(words.PAID, table, asked, "api-public-rewards", *assets)] if len(assets) == 1 else []
    told, rows = _dicts(table), _dicts(paid)
    last = rows[-1]["epoch"] if rows and paid.about["left_off"] else None
    begins = next((row["starts_at"] for row in told if row["number"] == last), "")
    return {
        "epochs": told, "charts": charts, "rows": rows, "as_of": paid.as_of, "most": len(rows), "cut_epoch": last,
        "older_period": _older(asked, paid, begins),
    }  # fmt: skip
