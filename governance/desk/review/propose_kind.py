"""`/desk/review/new/<kind>/` and `/desk/review/<id>/edit/`: the form of every kind that has one, and the menu of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.roles import has_role, roles_of
from governance.desk.forms import new_key
from governance.desk.review.fields import FieldSpec, Sent, error_of, filled
from governance.desk.review.kind_forms import FORMS, KindForm
from governance.desk.review.pages import page, refused_page
from governance.desk.review.propose import KIND as PARAMETERS
from governance.desk.review.propose import edit_parameters
from governance.desk.review.saving import answer, forbidden
from governance.desk.review.words import kind_word
from governance.desk.staff import for_staff
from governance.models import Proposal, User
from governance.review.errors import ReviewRefused
from governance.review.registry import KINDS
from governance.review.step_up import STEP_UP_AT_ONCE


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A kind that a person may propose, and where."""

    word: str
    address: str


def menu_for(person: User) -> tuple[MenuLine, ...]:
    """The kinds with a form that the person's roles may propose."""
    held = roles_of(person)
    addresses = {PARAMETERS: reverse("review-new")} | {name: reverse("review-new-kind", args=[name]) for name in FORMS}
    return tuple(
        MenuLine(kind_word(name), addresses[name])
        for name, kind in KINDS.items()
        if name in addresses and not held.isdisjoint(role.value for role in kind.proposer_roles)
    )


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show_new(request: HttpRequest, kind: str) -> HttpResponse:
    """An empty form, or the one sent."""
    if kind == PARAMETERS:
        return HttpResponseRedirect(reverse("review-new"))
    if kind not in FORMS or kind not in KINDS:
        return refused_page(request, _no_form())
    if not has_role(request.user, *KINDS[kind].proposer_roles):
        return forbidden(request, KINDS[kind].proposer_roles)
    return _shown(request, kind, None)


@never_cache
@require_http_methods(["GET", "POST"])
@for_staff
def show_edit(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """The same form, filled with what the proposal says."""
    proposal = Proposal.objects.filter(pk=proposal_id).first()
    if proposal is None:
        return refused_page(request, ReviewRefused("unknown", _("There is no such proposal.")))
    if proposal.kind != PARAMETERS and proposal.kind not in FORMS:
        return refused_page(request, _no_form())
    if not has_role(request.user, *KINDS[proposal.kind].proposer_roles):
        return forbidden(request, KINDS[proposal.kind].proposer_roles)
    return (
        edit_parameters(request, proposal) if proposal.kind == PARAMETERS else _shown(request, proposal.kind, proposal)
    )


def _no_form() -> ReviewRefused:
    return ReviewRefused("unknown_kind", _("There is no form for such a kind of change."))


def _shown(request: HttpRequest, kind: str, proposal: Proposal | None) -> HttpResponse:
    form, posted = FORMS[kind], request.method == "POST"
    try:
        specs = form.fields(request.user)
        typed: Sent | None = form.sent(proposal.change) if proposal else None
    except ReviewRefused as refused:
        return refused_page(request, refused)
    if posted:
        # Browsers end lines with two characters, and count them as one.
        typed = {
            spec.name: tuple(value.replace("\r\n", "\n").strip() for value in request.POST.getlist(spec.name))
            for spec in specs
        }

    def show(context: dict[str, Any], status: int = 200) -> HttpResponse:
        shown = {
            "kind": kind,
            "intro": _(form.intro),
            "only_by_api": _(form.only_by_api) if form.only_by_api else "",
            "groups": filled(specs, typed, is_judged=posted),
            "is_for_page": kind in STEP_UP_AT_ONCE,
            "key": context.get("key") or new_key(),
        }
        if form.told and typed is not None and "assessment" in context:
            shown["told"] = form.told(_change(form, specs, typed))
        return page(request, "kind_form", context | shown, status)

    if posted and typed is not None:
        sent = typed
        return answer(request, kind, lambda: _change(form, specs, sent), proposal, show)
    return show({"proposal": proposal, "reason": proposal.reason if proposal else ""})


def _change(form: KindForm, specs: tuple[FieldSpec, ...], sent: Mapping[str, tuple[str, ...]]) -> Any:
    """Raises `ReviewRefused` where a field cannot stand."""
    wrong = [spec.label for spec in specs if error_of(spec, sent[spec.name])]
    if wrong:
        raise ReviewRefused("invalid", _("Not as it must be: %(fields)s.") % {"fields": ", ".join(wrong)})
    return form.change(sent)
