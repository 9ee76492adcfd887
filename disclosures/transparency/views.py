"""Public pages: the live markets, their history, what changed, what happened, and definitions. No account needed to read them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from disclosures.documents.incident_table import told_reports
from disclosures.transparency.changes import MOST_VERSIONS
from disclosures.transparency.charts import CHARTS, RANGE_WORDS
from disclosures.transparency.dashboard import Asked, asked_of, range_tabs, shown_chart, shown_charts
from disclosures.transparency.definitions import DEFINITIONS
from disclosures.transparency.histories import (
    BadPage,
    page_of,
    told_incidents,
    told_parameters,
    told_policies,
    told_restatements,
)
from disclosures.transparency.incidents import incidents as incidents_told
from disclosures.transparency.overview import volume_shares
from disclosures.transparency.page_answer import not_there, page, part, refused
from disclosures.transparency.public_market import public_json, public_market, public_markets
from disclosures.transparency.restated import restatements as restatements_told
from disclosures.transparency.series import BadRange
from disclosures.transparency.tables import summed_at
from trading.clock import to_datetime
from trading.controls.commands import DESK
from trading.models import Market
from trading.parameter_versions import version_heads
from trading.selectors import known_slugs

INCIDENTS_SHOWN = 10


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """`/`: every market in its public form."""
    return render(request, "public/live.html", {"rows": _told(time.time_ns()), "here": "live"})


@require_safe
def definitions(request: HttpRequest) -> HttpResponse:
    """`/definitions/`: what each figure means."""
    return render(request, "public/definitions.html", {"definitions": DEFINITIONS, "here": "definitions"})


@require_safe
def markets(request: HttpRequest) -> HttpResponseBase:
    """`/markets/`: every market at a glance."""
    now_ns = time.time_ns()
    shares = volume_shares(to_datetime(now_ns))
    rows = [row | {"volume_share": shares.get(row["json"]["slug"])} for row in _told(now_ns)]
    return page(request, "public/markets.html", {"rows": rows, "here": "markets", "summed_at": summed_at()})


@require_safe
def market(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/markets/<slug>/`: one market now, and its charts over the range that is asked for."""
    found, now_ns = _market(slug), time.time_ns()
    if found is None:
        return _no_market(request, slug)
    asked = _asked(request, reverse("market", args=(slug,)), to_datetime(now_ns))
    if isinstance(asked, HttpResponse):
        return asked
    told = public_market(slug, now_ns)
    charts = part(
        "public/market_charts.html", asked, found, lambda: {"groups": shown_charts(found, asked), "asked": asked}
    )
    stopped = incidents_told(asked.now, scopes=(slug, DESK), most=INCIDENTS_SHOWN, policy=told.policy)
    context = {
        "market": told, "json": public_json(told), "status": told.status, "asked": asked, "tabs": range_tabs(asked),
        "charts": charts, "incidents": told_incidents(stopped.rows),
        "policy": told.policy, "summed_at": summed_at(), "here": "markets",
    }  # fmt: skip
    return page(request, "public/market.html", context)


@require_safe
def chart(request: HttpRequest, slug: str, key: str) -> HttpResponseBase:
    """`/markets/<slug>/<chart>/`: one chart with its whole table; the permanent address of what it shows."""
    found, drawn = _market(slug), CHARTS.get(key)
    if found is None:
        return _no_market(request, slug)
    if drawn is None:
        return not_there(request, _("There are the charts %(names)s.") % {"names": ", ".join(CHARTS)})
    here = reverse("market-chart", args=(slug, key))
    asked = _asked(request, here, to_datetime(time.time_ns()))
    if isinstance(asked, HttpResponse):
        return asked
    alone = part(
        "public/chart_alone.html",
        asked,
        found,
        lambda: {"shown": shown_chart(found, drawn, asked), "asked": asked},
        key,
    )
    context = {
        "part": alone, "chart": drawn, "slug": slug, "asked": asked, "tabs": range_tabs(asked),
        "symbol": f"{found.base_id.upper()}/{found.quote_id.upper()}", "here": "markets",
    }  # fmt: skip
    return page(request, "public/chart.html", context)


@require_safe
def changes(request: HttpRequest) -> HttpResponseBase:
    """`/changes/`: parameters and publication policy, with reasons and roles."""
    slugs, wanted = known_slugs(), request.GET.get("market", "")
    if wanted and wanted not in slugs:
        return _no_market(request, wanted)
    heads = version_heads((wanted,) if wanted else slugs, MOST_VERSIONS)
    # They stand on the first page alone.
    policies = [] if request.GET.get("page", "1") not in ("", "1") else told_policies()
    more = {"policies": policies, "slugs": slugs, "wanted": wanted}
    return _list(request, "public/changes.html", heads, told_parameters, more)


@require_safe
def incidents(request: HttpRequest) -> HttpResponseBase:
    """`/incidents/`: pauses, breakers and limits, and what people reported."""
    slugs, wanted = known_slugs(), request.GET.get("market", "")
    if wanted and wanted not in slugs:
        return _no_market(request, wanted)
    found = incidents_told(to_datetime(time.time_ns()), scopes=(wanted, DESK) if wanted else ())
    # They stand on the first page alone, which is the only one that asks for them.
    reports = SimpleLazyObject(lambda: told_reports(wanted))
    more = {"slugs": slugs, "wanted": wanted, "policy": found.policy, "reports": reports}
    return _list(request, "public/incidents.html", found.rows, told_incidents, more)


@require_safe
def restatements(request: HttpRequest) -> HttpResponseBase:
    """`/restatements/`: closed figures that changed afterwards."""
    found = restatements_told(to_datetime(time.time_ns()))
    return _list(request, "public/restatements.html", found.rows, told_restatements, {})


def _list(
    request: HttpRequest, template: str, rows: Sequence[Any], worded: Callable[[Any], list[Any]], more: dict[str, Any]
) -> HttpResponseBase:
    """A page of `rows`, only which is `worded`."""
    try:
        rows_page = page_of(rows, request.GET.get("page", ""))
        rows_page.object_list = worded(rows_page.object_list)
    except BadPage as problem:
        return refused(request, str(problem), [(request.path, _("The first page"))])
    kept = f"market={more['wanted']}&" if more.get("wanted") else ""
    ways = {
        "newer": f"?{kept}page={rows_page.previous_page_number()}" if rows_page.has_previous() else "",
        "older": f"?{kept}page={rows_page.next_page_number()}" if rows_page.has_next() else "",
    }
    tabs = [(reverse(name), word, request.path == reverse(name)) for name, word in _rooms()]
    filters = [("?", _("all"), not more.get("wanted"))]
    filters += [(f"?market={slug}", slug, slug == more.get("wanted")) for slug in more.get("slugs", ())]
    context = {"rows": rows_page, "tabs": tabs, "filters": filters, "here": "changes", **ways, **more}
    return page(request, template, context)


def _rooms() -> list[tuple[str, str]]:
    return [("changes", _("Changes")), ("incidents", _("Pauses and breakers")), ("restatements", _("Restatements"))]


def _told(now_ns: int) -> list[dict[str, Any]]:
    return [{"market": market, "json": public_json(market)} for market in public_markets(now_ns)]


def _market(slug: str) -> Market | None:
    return Market.objects.filter(slug=slug, is_active=True).first()


def _no_market(request: HttpRequest, slug: str) -> HttpResponse:
    known = ", ".join(known_slugs()) or _("none yet")
    return not_there(request, _("There is no market “%(slug)s”. Markets: %(known)s.") % {"slug": slug, "known": known})


def _asked(request: HttpRequest, here: str, now: datetime) -> Asked | HttpResponse:
    try:
        return asked_of(request.GET, now)
    except BadRange as problem:
        return refused(request, str(problem), [(f"{here}?range={name}", word) for name, word in RANGE_WORDS.items()])
