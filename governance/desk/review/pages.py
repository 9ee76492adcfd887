"""What the pages of review share: refusals with what to do next, keys, times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.desk.forms import new_key
from governance.desk.review.words import what_next
from governance.review.errors import ReviewRefused

GONE = frozenset({"unknown", "unknown_kind", "unknown_market", "unknown_version"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as pages show it: its code for whoever asks, why, and what to do next."""

    code: str
    message: str
    next: str


def told(refused: ReviewRefused) -> Refusal:
    """In the reader's language."""
    return Refusal(refused.code, str(refused), what_next(refused.code))


def now() -> datetime:
    """The time at which a door acts."""
    return datetime.now(UTC)


def page(request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """A page of review; every form on it gets a key of its own from `new_key`."""
    shown = {"here": "review", "new_key": new_key, "now": now(), **context}
    return render(request, f"review/{template}.html", shown, status=status)


def refused_page(request: HttpRequest, refused: ReviewRefused) -> HttpResponse:
    """Where there is nothing else to show."""
    return page(request, "refused", {"refusal": told(refused)}, 404 if refused.code in GONE else 422)


def status_of(refused: ReviewRefused | None) -> int:
    """200 for a page as it was asked for, 422 for one that tells of a refusal."""
    return 200 if refused is None else 422
