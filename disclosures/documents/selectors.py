"""Reading documents: what is published, what stands in its place, what is in work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, JSONField, Max, OuterRef, Prefetch, Q, QuerySet
from django.db.models.fields.json import KT, KeyTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from disclosures.documents.kinds import KINDS, DocumentKind, incident_day, kind_of, path_of
from disclosures.models import DisclosureDraft, DisclosureNotice, DisclosureVersion
from governance.review.errors import ReviewRefused
from governance.review.states import OPEN

IN_FORCE, SUPERSEDED, WITHDRAWN, EXPIRED = "in_force", "superseded", "withdrawn", "expired"
_FILES = ("pdf_en", "pdf_dv")
MOST_REPORTS = 500


@dataclass(frozen=True, slots=True)
class Published:
    """One version as anybody may see it. `state`: in_force, superseded (there is a newer one), withdrawn, or expired."""

    row: DisclosureVersion
    kind: DocumentKind
    content: dict[str, Any]
    state: str
    withdrawal: DisclosureNotice | None
    corrections: tuple[DisclosureNotice, ...]
    newest: int

    @property
    def path(self) -> str:
        """Its permanent address here."""
        return path_of(self.row.kind, self.row.version)

    @property
    def is_readable(self) -> bool:
        """A withdrawn text is not shown any more; the reason is."""
        return self.state != WITHDRAWN


@dataclass(frozen=True, slots=True)
class Head:
    """What a list of versions says of one: its row without the text, and its `state` as of `Published`."""

    row: DisclosureVersion
    kind: DocumentKind
    state: str

    @property
    def path(self) -> str:
        """As of `Published`."""
        return path_of(self.row.kind, self.row.version)


@dataclass(frozen=True, slots=True)
class IncidentHead(Head):
    """The newest version of an incident's report without its text: `title` by language, `incident` as in the content."""

    title: dict[str, str]
    incident: dict[str, Any]
    withdrawal: DisclosureNotice | None

    @property
    def is_readable(self) -> bool:
        """As of `Published`."""
        return self.state != WITHDRAWN


@dataclass(frozen=True, slots=True)
class Shelf:
    """A kind with its newest version, None where nothing was ever published."""

    kind: DocumentKind
    newest: Published | None

    @property
    def is_in_force(self) -> bool:
        return self.newest is not None and self.newest.state == IN_FORCE


def shelves(now: datetime) -> list[Shelf]:
    """Every kind, in its order, with two queries."""
    last = (
        DisclosureVersion.objects.filter(kind__in=[kind.slug for kind in KINDS])
        .values("kind")
        .annotate(last=Max("version"))
    )
    newest = {row["kind"]: row["last"] for row in last}
    wanted = Q()
    for kind, version in newest.items():
        wanted |= Q(kind=kind, version=version)
    rows = list(_rows().filter(wanted)) if newest else []
    found = {row.kind: _published(row, row.version, now) for row in rows}
    return [Shelf(kind, found.get(kind.slug)) for kind in KINDS]


def incident_reports(slug: str = "", most: int = MOST_REPORTS) -> list[IncidentHead]:
    """The newest version of every incident's report, newest incident first, at most `most`; with `slug` those that touched the
    market, or the whole desk. A withdrawn one is among them. Their texts are not read."""
    newer = DisclosureVersion.objects.filter(kind=OuterRef("kind"), version__gt=OuterRef("version"))
    rows = _rows().defer("content", *_FILES).filter(~Exists(newer), kind__startswith="incident-")
    body = Cast("content", JSONField())
    rows = rows.annotate(title=KeyTransform("title", body), incident=KeyTransform("incident", body))
    if slug:
        rows = rows.filter(Q(incident__markets__contains=[slug]) | Q(incident__markets=[]))
    # One spelling for every time (guards/incident_reports.sql): as text they stand in their order.
    return [_incident_head(row) for row in rows.order_by(KT("incident__starts_at").desc(), F("kind").desc())[:most]]


def _incident_head(row: Any) -> IncidentHead:
    withdrawal = next((one for one in row.notices.all() if one.what == DisclosureNotice.What.WITHDRAWAL), None)
    state = _state(row, row.version, row.published_at)
    return IncidentHead(row, kind_of(row.kind), state, row.title, row.incident, withdrawal)


def incident_numbers(began: datetime) -> set[int]:
    """Numbers that incidents of that day (UTC) have, in drafts and in what was published."""
    begin = incident_day(began)
    kinds = [
        *DisclosureDraft.objects.filter(kind__startswith=begin).values_list("kind", flat=True),
        *DisclosureVersion.objects.filter(kind__startswith=begin).values_list("kind", flat=True),
    ]
    return {int(kind.removeprefix(begin)) for kind in kinds}


def published(slug: str, version: int, now: datetime) -> Published:
    """Raises `ReviewRefused` ("unknown_document", "unknown_version")."""
    kind = kind_of(slug)
    row = _rows().filter(kind=kind.slug, version=version).first()
    if row is None:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    newest = DisclosureVersion.objects.filter(kind=kind.slug).aggregate(last=Max("version"))["last"]
    return _published(row, newest, now)


def newest(slug: str, now: datetime) -> Published | None:
    """The newest version of a kind. Raises `ReviewRefused` ("unknown_document")."""
    row = _rows().filter(kind=kind_of(slug).slug).order_by("-version").first()
    return None if row is None else _published(row, row.version, now)


def versions(slug: str, now: datetime) -> list[Head]:
    """Every version of a kind, newest first, without their texts."""
    rows = list(_rows().defer("content", *_FILES).filter(kind=kind_of(slug).slug).order_by("-version"))
    return [Head(row, kind_of(slug), _state(row, rows[0].version, now)) for row in rows]


def last_material(slug: str, up_to: int) -> int:
    """The newest version of a kind up to `up_to` whose change is of weight; the first where there is none."""
    rows = DisclosureVersion.objects.filter(kind=kind_of(slug).slug, version__lte=up_to)
    material = rows.annotate(body=Cast("content", JSONField())).filter(body__is_material=True)
    return material.aggregate(last=Max("version"))["last"] or 1


def pdf_bytes(slug: str, version: int, language: str) -> tuple[bytes, str]:
    """The stored PDF and the hash of its version. Raises `ReviewRefused` where there is none, or it is withdrawn."""
    name = f"pdf_{language}"
    if name not in _FILES:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    rows = DisclosureVersion.objects.filter(kind=kind_of(slug).slug, version=version)
    found = rows.exclude(notices__what=DisclosureNotice.What.WITHDRAWAL).values_list(name, "sha256").first()
    if found is None:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    return bytes(found[0]), found[1]


def published_between(since: datetime, before: datetime) -> list[Published]:
    """Versions that were published then, oldest first, as they are at `before`."""
    rows = list(_rows().filter(published_at__gte=since, published_at__lt=before).order_by("published_at", "pk"))
    last = dict(DisclosureVersion.objects.values_list("kind").annotate(last=Max("version")))
    return [_published(row, last[row.kind], before) for row in rows]


def notices_between(since: datetime, before: datetime) -> list[DisclosureNotice]:
    """Withdrawals and corrections of then, oldest first, with the kind and number of their versions."""
    rows = DisclosureNotice.objects.select_related("version").defer(*(f"version__{name}" for name in _FILES))
    return list(rows.filter(at__gte=since, at__lt=before).order_by("at", "pk"))


def drafts() -> QuerySet[DisclosureDraft]:
    """Texts in work, those of applied proposals left out; newest first."""
    return DisclosureDraft.objects.exclude(proposal__state="APPLIED").select_related("proposal").order_by("-updated_at")


def draft_with(draft_id: int) -> DisclosureDraft:
    """Raises `ReviewRefused` ("unknown_draft")."""
    found = DisclosureDraft.objects.select_related("proposal").filter(pk=draft_id).first()
    if found is None:
        raise ReviewRefused("unknown_draft", _("There is no such draft."))
    return found


def stage_of(draft: DisclosureDraft) -> str:
    """ "draft", "legal_review", "approved", "published", or "sent_back" where a proposal of it ended otherwise."""
    if draft.proposal is None:
        return "draft"
    state = str(draft.proposal.state)
    if state in ("IN_REVIEW", "DRAFT"):
        return "legal_review"
    return {"APPROVED": "approved", "APPLIED": "published"}.get(state, "sent_back")


def is_open(draft: DisclosureDraft) -> bool:
    """It may be edited: nothing of it is in review, approved or published."""
    if draft.proposal is None or draft.proposal.state == "CHANGES_REQUESTED":
        return True
    return draft.proposal.state not in OPEN and draft.proposal.state != "APPLIED"


def _rows() -> QuerySet[DisclosureVersion]:
    notices = Prefetch("notices", DisclosureNotice.objects.order_by("pk"))
    return DisclosureVersion.objects.defer(*_FILES).prefetch_related(notices)


def _published(row: DisclosureVersion, newest: int, now: datetime) -> Published:
    notices = list(row.notices.all())
    withdrawal = next((one for one in notices if one.what == DisclosureNotice.What.WITHDRAWAL), None)
    corrections = tuple(one for one in notices if one.what == DisclosureNotice.What.CORRECTION)
    content, state = json.loads(row.content), _state(row, newest, now)
    return Published(row, kind_of(row.kind), content, state, withdrawal, corrections, newest)


def _state(row: DisclosureVersion, newest: int, now: datetime) -> str:
    if any(one.what == DisclosureNotice.What.WITHDRAWAL for one in row.notices.all()):
        return WITHDRAWN
    if row.version < newest:
        return SUPERSEDED
    return EXPIRED if row.effective_until is not None and row.effective_until <= now else IN_FORCE
