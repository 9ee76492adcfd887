"""`/desk/review/<id>/`: everything about one proposal, and the buttons that fit its state and the person."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from governance.desk.review.buttons import buttons_for
from governance.desk.review.pages import now, page, refused_page, status_of, told
from governance.desk.review.preview import shown_preview
from governance.desk.review.proof import apply_at_once_with_proof, purpose_of, review_with_proof, vote_with_proof
from governance.desk.staff import for_staff
from governance.models import Proposal, User
from governance.review import applying, drafting, previewing, rollback
from governance.review.errors import ReviewRefused
from governance.review.registry import PAGES
from governance.review.step_up import STEP_UP_AT_ONCE
from governance.review.story import export_story, needs_key_afterwards, proposal_story


@never_cache
@require_safe
@for_staff
def show(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """The page."""
    return _shown(request, proposal_id, None)


@never_cache
@require_safe
@for_staff
def download(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """`/desk/review/<id>/story.json`: the whole story for whoever audits it."""
    try:
        story = export_story(proposal_id)
    except ReviewRefused as refused:
        return refused_page(request, refused)
    answer = HttpResponse(json.dumps(story, indent=2, ensure_ascii=False) + "\n", content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="proposal-{proposal_id}.json"'
    return answer


@never_cache
@require_POST
@for_staff
def act(request: HttpRequest, proposal_id: int, verb: str) -> HttpResponse:
    """`/desk/review/<id>/<verb>/`: one service; afterwards the page of what it made, or the refusal on this one."""
    found, action = Proposal.objects.filter(pk=proposal_id).first(), VERBS.get(verb)
    if found is None or action is None:
        return refused_page(request, ReviewRefused("unknown", _("There is no such proposal.")))
    try:
        made = action(request.user, found, request.POST, request.POST.get("idempotency_key", ""), now())
    except ReviewRefused as refused:
        return _shown(request, proposal_id, refused)
    messages.success(request, _done(verb, made))
    return HttpResponseRedirect(reverse("review-proposal", args=[made.pk]))


def _shown(request: HttpRequest, proposal_id: int, refused: ReviewRefused | None) -> HttpResponse:
    at = now()
    try:
        story = proposal_story(proposal_id, at)
    except ReviewRefused as problem:
        return refused_page(request, problem)
    proposal = story.proposal
    context: dict[str, Any] = {
        "story": story,
        "proposal": proposal,
        "read_at": PAGES[proposal.kind](proposal) if proposal.kind in PAGES else "",
        "buttons": buttons_for(request.user, proposal, at),
        "purpose": purpose_of(proposal),
        "preview": shown_preview(story.preview.body) if story.preview else None,
        "key_only": bool(story.needed and story.needed.demands_security_key),
        "key_only_afterwards": needs_key_afterwards(proposal),
        "asks_proof": proposal.kind in STEP_UP_AT_ONCE,
        "has_preview": proposal.kind in previewing.PREVIEWS,
        "versions": _versions_before(proposal) if story.diff else [],
    }
    if refused is not None:
        context |= {"refusal": told(refused), "typed": request.POST}
    return page(request, "proposal", context, status_of(refused))


Action = Callable[[User, Proposal, Any, str, datetime], Proposal]


def _vote(person: User, proposal: Proposal, data: Any, key: str, at: datetime) -> Proposal:
    choice, content = data.get("choice", ""), data.get("content_hash", "")
    return vote_with_proof(person, proposal, choice, content, data.get("reason", ""), data, key=key, now=at)


def _review(person: User, proposal: Proposal, data: Any, key: str, at: datetime) -> Proposal:
    return review_with_proof(person, proposal, data.get("reason", ""), data, key=key, now=at)


def _schedule(person: User, proposal: Proposal, data: Any, key: str, at: datetime) -> Proposal:
    try:
        when = datetime.fromisoformat(data.get("at", "")).replace(tzinfo=UTC)
    except ValueError as problem:
        raise ReviewRefused("bad_time", _("That is no time: write it as 2026-11-25T14:30.")) from problem
    return applying.schedule(person, proposal.pk, when, key=key, now=at)


def _versions_before(proposal: Proposal) -> list[tuple[str, int]]:
    """What may be gone back to, by what was changed; a first version has none before it."""
    changed = [proposal.subject] if proposal.kind in rollback.EARLIER else list(proposal.base)
    return [(part, proposal.base[part]["version"]) for part in changed if proposal.base[part]["version"] > 0]


def _roll_back(person: User, _proposal: Proposal, data: Any, key: str, at: datetime) -> Proposal:
    version = data.get("version", "")
    number = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
    return rollback.roll_back(person, data.get("market", ""), number, data.get("reason", ""), key=key, now=at)


VERBS: dict[str, Action] = {
    "preview": lambda who, one, data, key, at: previewing.attach_preview(who, one.pk, key=key, now=at),
    "submit": lambda who, one, data, key, at: drafting.submit(who, one.pk, key=key, now=at),
    "apply-at-once": lambda who, one, data, key, at: apply_at_once_with_proof(who, one, data, key=key, now=at),
    "vote": _vote,
    "review": _review,
    "withdraw": lambda who, one, data, key, at: drafting.withdraw(who, one.pk, data.get("reason", ""), key=key, now=at),
    "cancel": lambda who, one, data, key, at: applying.cancel(who, one.pk, data.get("reason", ""), key=key, now=at),
    "schedule": _schedule,
    "comment": lambda who, one, data, key, at: drafting.comment(who, one.pk, data.get("text", ""), key=key, now=at),
    "roll-back": _roll_back,
}


def _done(verb: str, made: Proposal) -> str:
    """What came of it."""
    words = {
        "preview": _("The preview is made: look at it below, then submit."),
        "submit": _("In review: the people who may vote are told."),
        "apply-at-once": _("Applied: it is in force now, and waits for a review."),
        "review": _("Reviewed."),
        "withdraw": _("Withdrawn: nothing was changed."),
        "cancel": _("Cancelled: nothing was changed."),
        "schedule": _("Scheduled."),
        "comment": _("Your comment stands in the discussion."),
        "roll-back": _("A draft back to that version is prepared: look at it, make the preview, submit it."),
    }
    if verb == "vote":
        return _("Your vote is counted. The proposal is now “%(state)s”.") % {"state": made.get_state_display()}
    return words[verb]
