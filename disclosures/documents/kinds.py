"""The documents there are, each declared once. The database's guard repeats the names (guards/documents.sql; a test compares).

Beside them every incident that people report has a line of versions of its own, whose kind is `incident-<day>-<number>`
(decisions/incident-reports.md; guards/incident_reports.sql repeats the pattern)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.review.errors import ReviewRefused

# Subject of proposals and aggregate of events.
SUBJECT: Final = "document"
AGGREGATE: Final = "disclosure"
_INCIDENT: Final = re.compile(r"incident-20[0-9]{6}-[1-9][0-9]{0,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """`slug` is its address. Each must be published, and looked at again within `review_every_days`."""

    slug: str
    label: str
    about: str
    review_every_days: int = 365


KINDS: Final[tuple[DocumentKind, ...]] = (
    DocumentKind(
        "market-making-risk",
        gettext_noop("Market-making risk"),
        gettext_noop("What the market maker does, within which limits, and what can go wrong."),
        180,
    ),
    DocumentKind(
        "treasury-usage",
        gettext_noop("Use of the treasury"),
        gettext_noop("What the treasury holds and for what it may be used."),
        180,
    ),
    DocumentKind(
        "buyback-limitation",
        gettext_noop("Limits of buybacks"),
        gettext_noop("When the treasury may buy the token back, how much, and what is never promised."),
        180,
    ),
    DocumentKind(
        "conflicts-of-interest",
        gettext_noop("Conflicts of interest"),
        gettext_noop("Where the interests of who runs this and of those who trade differ."),
    ),
    DocumentKind(
        "liquidity-incentives",
        gettext_noop("Liquidity incentives"),
        gettext_noop("What is paid for providing liquidity, how it is computed, and its cap."),
        180,
    ),
    DocumentKind(
        "general-risk",
        gettext_noop("General risks"),
        gettext_noop("The risks of the token and of trading it, and how far the law of the Maldives is settled."),
    ),
    DocumentKind(
        "operator-identity",
        gettext_noop("Who operates this"),
        gettext_noop("Who answers for this portal and for the market maker."),
    ),
)
_INCIDENT_LABEL: Final = gettext_noop("Incident report")
_INCIDENT_ABOUT: Final = gettext_noop("What people found out about an incident: what happened, why, and what changes.")
BY_SLUG: Final = {kind.slug: kind for kind in KINDS}


def kind_of(slug: object) -> DocumentKind:
    """Raises `ReviewRefused` ("unknown_document")."""
    found = BY_SLUG.get(slug) if isinstance(slug, str) else None
    if found is None and is_incident(slug):
        return DocumentKind(str(slug), _INCIDENT_LABEL, _INCIDENT_ABOUT)
    if found is None:
        raise ReviewRefused("unknown_document", _("There is no such document."))
    return found


def is_incident(slug: object) -> bool:
    """Whether it is the kind of an incident's report."""
    return isinstance(slug, str) and _INCIDENT.fullmatch(slug) is not None


def path_of(slug: str, version: int) -> str:
    """Where the public reads a version, for ever."""
    return reverse("incident-report" if is_incident(slug) else "disclosure", args=[slug, version])


def incident_slug(began: datetime, number: int) -> str:
    """The kind of the report of the `number`th incident of that day (UTC) that was begun to be written."""
    return f"{incident_day(began)}{number}"


def incident_day(began: datetime) -> str:
    """How the kinds of the incidents of that day (UTC) begin."""
    return f"incident-{began:%Y%m%d}-"
