"""`/desk/disclosures/`: the checklist, drafts, the way into review, and everything as the public would see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from disclosures.documents.acknowledging import export_csv
from disclosures.documents.checklist import checklist
from disclosures.documents.comparing import compared
from disclosures.documents.content import lagging, names_of
from disclosures.documents.drafting import (
    ask_for_notice,
    ask_to_publish,
    drop_draft,
    may_drop,
    start_draft,
    start_report,
    write_draft,
    writers_of,
)
from disclosures.documents.facts import FACTS, freeze
from disclosures.documents.forms import DraftForm, NoticeForm, OperatorReportForm, ReportForm, initial_of
from disclosures.documents.html import html_of
from disclosures.documents.kinds import KINDS, SUBJECT, is_incident, kind_of
from disclosures.documents.selectors import draft_with, drafts, incident_reports, is_open, newest, published, stage_of
from disclosures.documents.views import parts_of, reading
from disclosures.models import DisclosureDraft
from governance.access.roles import Role, has_role
from governance.desk.forms import new_key
from governance.desk.review.pages import told
from governance.desk.staff import for_staff
from governance.models import Proposal
from governance.review.errors import ReviewRefused

GONE = frozenset({"unknown", "unknown_document", "unknown_draft", "unknown_version"})


@never_cache
@require_safe
@for_staff
def index(request: HttpRequest) -> HttpResponse:
    """The checklist and what is in work."""
    listed = [
        {"draft": draft, "kind": kind_of(draft.kind), "stage": stage_of(draft), "lagging": lagging(draft.content)}
        for draft in drafts()[:50]
    ]
    may_report = has_role(request.user, Role.COMPLIANCE, Role.OPERATOR)
    context = {"items": checklist(_now()), "drafts": listed, "kinds": KINDS}
    return _page(request, "index", context | {"reports": incident_reports(most=50), "may_report": may_report})


@require_POST
@for_staff
def new(request: HttpRequest) -> HttpResponse:
    """`new/`: a draft that starts from the newest version of the kind."""
    data = request.POST
    try:
        made = start_draft(request.user, data.get("kind", ""), key=data.get("idempotency_key", ""), now=_now())
    except ReviewRefused as refused:
        return _refused(request, refused)
    return HttpResponseRedirect(reverse("desk-disclosure-draft", args=[made.pk]))


@require_POST
@for_staff
def report(request: HttpRequest) -> HttpResponse:
    """`report/`: the first draft about an incident; `starts_at` is UTC."""
    data = request.POST
    try:
        key, began = data.get("idempotency_key", ""), f"{data.get('starts_at', '')[:19]}+00:00"
        made = start_report(request.user, began, key=key, now=_now())
    except ReviewRefused as refused:
        return _refused(request, refused)
    return HttpResponseRedirect(reverse("desk-disclosure-draft", args=[made.pk]))


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def draft(request: HttpRequest, draft_id: int) -> HttpResponse:
    """`drafts/<id>/`: both languages side by side; a refusal keeps everything that was typed."""
    try:
        found = draft_with(draft_id)
    except ReviewRefused as refused:
        return _refused(request, refused)
    wanted = _form_for(request, found)
    if request.method != "POST":
        return _form(request, found, wanted(initial=initial_of(found.content, found.revision)))
    form = wanted(request.POST)
    if not form.is_valid():
        return _form(request, found, form, status=422)
    data = form.cleaned_data
    try:
        write_draft(
            request.user,
            draft_id,
            form.written(),
            revision=data["revision"],
            says_the_same=data["says_the_same"],
            key=data["idempotency_key"],
            now=_now(),
        )
    except ReviewRefused as refused:
        return _form(request, found, form, refused, 422)
    messages.success(request, _("Saved. Nobody but the desk sees a draft."))
    return HttpResponseRedirect(reverse("desk-disclosure-draft", args=[draft_id]))


@require_POST
@for_staff
def submit(request: HttpRequest, draft_id: int) -> HttpResponse:
    """`drafts/<id>/submit/`: into legal review, as a proposal."""
    data = request.POST
    try:
        made = ask_to_publish(
            request.user, draft_id, data.get("reason", ""), key=data.get("idempotency_key", ""), now=_now()
        )
    except ReviewRefused as refused:
        return _refused(request, refused)
    messages.success(request, _("In legal review: another member of compliance decides."))
    return HttpResponseRedirect(reverse("review-proposal", args=[made.pk]))


@require_POST
@for_staff
def drop(request: HttpRequest, draft_id: int) -> HttpResponse:
    """`drafts/<id>/drop/`."""
    try:
        drop_draft(request.user, draft_id, key=request.POST.get("idempotency_key", ""), now=_now())
    except ReviewRefused as refused:
        return _refused(request, refused)
    messages.success(request, _("The draft is gone."))
    return HttpResponseRedirect(reverse("desk-disclosures"))


@never_cache
@require_safe
@for_staff
def preview(request: HttpRequest, draft_id: int) -> HttpResponse:
    """`drafts/<id>/preview/`: as the public would see it, with the facts of this moment, and what changed."""
    try:
        found = draft_with(draft_id)
        facts = freeze(names_of(found.content))
        return _read(request, {**found.content, "facts": facts}, {"draft": found})
    except ReviewRefused as refused:
        return _refused(request, refused)


@never_cache
@require_safe
@for_staff
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """`proposals/<id>/`: what is voted on, as the public would see it, and what changed."""
    found = Proposal.objects.filter(pk=proposal_id, kind=SUBJECT).first()
    try:
        if found is None:
            raise ReviewRefused("unknown", _("There is no such proposal."))
        if found.change["action"] == "publish":
            return _read(request, found.change["content"], {"proposal": found})
        about = published(found.change["kind"], found.change["version"], _now())
        return _page(request, "notice", {"found": about, "proposal": found, "kind": about.kind})
    except ReviewRefused as refused:
        return _refused(request, refused)


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def notice(request: HttpRequest, kind: str, version: int) -> HttpResponse:
    """`<kind>/<version>/`: ask for a withdrawal or a correction of what is published."""
    try:
        found = published(kind, version, _now())
    except ReviewRefused as refused:
        return _refused(request, refused)
    form = NoticeForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"found": found, "form": form, "kind": found.kind}
    if request.method != "POST" or not form.is_valid():
        return _page(request, "notice", context, 422 if form.errors else 200)
    data = form.cleaned_data
    text = {"en": data["text_en"], "dv": data["text_dv"]}
    try:
        made = ask_for_notice(
            request.user, data["action"], kind, version, text, data["reason"], key=data["idempotency_key"], now=_now()
        )
    except ReviewRefused as refused:
        return _page(request, "notice", context | {"refusal": told(refused)}, 422)
    return HttpResponseRedirect(reverse("review-proposal", args=[made.pk]))


@never_cache
@require_safe
@for_staff
def acknowledgements(request: HttpRequest) -> HttpResponse:
    """`acknowledgements.csv`, for compliance and auditors: it names people."""
    if not has_role(request.user, Role.COMPLIANCE, Role.AUDITOR):
        return render(request, "403.html", status=403)
    answer = HttpResponse(export_csv(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="acknowledgements.csv"'
    return answer


def _now() -> datetime:
    return datetime.now(UTC)


def _read(request: HttpRequest, content: dict[str, Any], more: dict[str, Any]) -> HttpResponse:
    wanted = reading(request)
    last = newest(content["kind"], _now())
    context = {
        "kind": kind_of(content["kind"]),
        "parts": parts_of(content, wanted, lambda language: html_of(content, content["facts"], language)),
        "wanted": wanted,
        "lagging": lagging(content),
        "last": last,
        "changes": compared(last.content if last else None, content),
    }
    return _page(request, "read", context | more)


def _form_for(request: HttpRequest, found: DisclosureDraft) -> type[DraftForm]:
    if not is_incident(found.kind):
        return DraftForm
    is_operator = has_role(request.user, Role.OPERATOR) and not has_role(request.user, Role.COMPLIANCE)
    return OperatorReportForm if is_operator else ReportForm


def _form(
    request: HttpRequest,
    found: DisclosureDraft,
    form: DraftForm,
    refused: ReviewRefused | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "draft": found,
        "kind": kind_of(found.kind),
        "form": form,
        "stage": stage_of(found),
        "is_open": is_open(found) and has_role(request.user, *writers_of(found.kind)),
        "may_drop": found.proposal is None and may_drop(request.user, found),
        "lagging": lagging(found.content),
        "facts": FACTS.values(),
    }
    return _page(request, "draft", context | ({} if refused is None else {"refusal": told(refused)}), status)


def _refused(request: HttpRequest, refused: ReviewRefused) -> HttpResponse:
    return _page(request, "refused", {"refusal": told(refused)}, 404 if refused.code in GONE else 422)


def _page(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    shown = {"here": "desk-disclosures", "new_key": new_key, "is_compliance": has_role(request.user, Role.COMPLIANCE)}
    return render(request, f"disclosures/{name}.html", shown | context, status=status)
