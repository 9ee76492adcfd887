"""Health: is the process alive, is the system ready to make markets, and what Prometheus reads."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from dcmm_portal.client_address import is_this_machine
from trading.hot_state.connection import sync_client
from trading.hot_state.market import heartbeats
from trading.selectors import all_market_status

# Processes without which no market is made; workers have numbered names.
NEEDED = ("market_data", "ledger", "relay", "worker")
SILENT_AFTER_S = 15.0
FEED_STALE_S = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing readiness needs; `problem` is empty when it holds."""

    name: str
    problem: str


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; asks nobody else."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when markets can be made, else 503; every check with its problem."""
    checks = all_checks(time.time_ns())
    ready = not any(check.problem for check in checks)
    body = {
        "status": "ready" if ready else "not ready",
        "checks": [{"name": check.name, "ok": not check.problem, "problem": check.problem} for check in checks],
    }
    return JsonResponse(body, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text form, to this machine or to the bearer of METRICS_TOKEN."""
    if not may_read_metrics(request):
        return HttpResponseForbidden(
            "metrics are for this machine, or for the bearer of METRICS_TOKEN\n", content_type="text/plain"
        )
    response: HttpResponse = ExportToDjangoView(request)
    return response


def may_read_metrics(request: HttpRequest) -> bool:
    """With a token configured, only its bearer; without one, only this machine and not through a proxy."""
    if settings.METRICS_TOKEN:
        expected = f"Bearer {settings.METRICS_TOKEN}".encode()
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected)
    return is_this_machine(request)


def all_checks(now_ns: int) -> list[Check]:
    """Database, Redis, heartbeats, feeds, in the order in which one needs the other."""
    database = _try("database", _database)
    hot = _try("redis", lambda: "" if sync_client().ping() else "no answer")
    checks = [database, hot]
    if hot.problem:
        return checks
    checks += _heartbeat_checks(now_ns)
    if not database.problem:
        checks += _feed_checks(now_ns)
    return checks


def _try(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, check())
    except (DatabaseError, redis.RedisError) as problem:
        # The driver's message may carry addresses and role names: only its kind is told.
        return Check(name, f"cannot be reached ({type(problem).__name__})")


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _heartbeat_checks(now_ns: int) -> list[Check]:
    beats = heartbeats()
    checks = []
    for name in NEEDED:
        ages = [(now_ns - at_ns) / 1e9 for process, at_ns in beats.items() if process.split("-")[0] == name]
        youngest = min(ages, default=None)
        problem = ""
        if youngest is None:
            problem = "no heartbeat"
        elif youngest > SILENT_AFTER_S:
            problem = f"last heartbeat {youngest:.0f} s ago"
        checks.append(Check(f"process {name}", problem))
    return checks


def _feed_checks(now_ns: int) -> list[Check]:
    statuses = all_market_status(now_ns)
    if not statuses:
        return [Check("markets", "no active market: run `manage.py bootstrap`")]
    checks = []
    for status in statuses:
        problem = ""
        if status.feed_age_s is None:
            problem = "no market data"
        elif status.feed_age_s > FEED_STALE_S:
            problem = "market data is stale"
        checks.append(Check(f"feed {status.slug}", problem))
    return checks


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Crawlers read the public pages only."""
    return HttpResponse(
        "User-agent: *\nDisallow: /admin/\nDisallow: /desk/\nDisallow: /api/\n", content_type="text/plain"
    )
