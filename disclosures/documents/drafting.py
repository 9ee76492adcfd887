"""Writing a document: drafts, and asking for their publication, a withdrawal or a correction. What decides is a proposal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from disclosures.documents.content import FORMAT, checked, in_step, moment, refuse_unfit
from disclosures.documents.kinds import SUBJECT, kind_of
from disclosures.documents.selectors import draft_with, is_open, newest
from disclosures.models import DisclosureDraft
from governance.access.actors import actor_of
from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review.canonical import digest
from governance.review.checks import require_role
from governance.review.drafting import propose, submit
from governance.review.errors import ReviewRefused
from trading.controls.commands import ControlRefused, done_before, require_key, write_receipt
from trading.locks import lock_command

# What the writing of a draft may say; the rest of its content is kept.
WRITTEN: Final = frozenset(
    {
        "title", "text", "counsel", "native_reviewer", "requires_acknowledgement", "is_material", "effective_from",
        "effective_until", "review_due_on",
    }
)  # fmt: skip


def start_draft(person: User, kind: str, *, key: str, now: datetime) -> DisclosureDraft:
    """A draft that starts from the newest version, or empty. Raises `ReviewRefused`."""
    require_role(person, [Role.COMPLIANCE])
    wanted = kind_of(kind)
    last = newest(kind, now)
    due = (now + timedelta(days=wanted.review_every_days)).date().isoformat()
    content: dict[str, Any] = {
        "format": FORMAT,
        "kind": wanted.slug,
        "title": {"en": "", "dv": ""},
        "text": {"en": "", "dv": ""},
        "in_step": {"en": "", "dv": ""},
        "counsel": "",
        "native_reviewer": "",
        "requires_acknowledgement": False,
    }
    if last is not None:
        content = {name: last.content[name] for name in content}
    content |= {"is_material": True, "effective_from": None, "effective_until": None, "review_due_on": due}
    return make_draft(person, content, key=key, now=now)


def make_draft(person: User, content: Mapping[str, Any], *, key: str, now: datetime) -> DisclosureDraft:
    """A draft of that content. Raises `ReviewRefused`."""
    require_role(person, [Role.COMPLIANCE])
    body = checked(content)

    def work() -> DisclosureDraft:
        made = {"kind": body["kind"], "content": body, "authors": [person.get_username()]}
        return DisclosureDraft.objects.create(**made, created_at=now, updated_at=now)

    return _once("make", key, [body], person, now, work)


def write_draft(
    person: User,
    draft_id: int,
    written: Mapping[str, Any],
    *,
    revision: int,
    says_the_same: bool,
    key: str,
    now: datetime,
) -> DisclosureDraft:
    """Write `written` (any of `WRITTEN`) into a draft that is open, if it is still at `revision`.

    Who writes becomes an author, and does not approve. With `says_the_same` both languages are in step from here on. Raises
    `ReviewRefused`."""
    require_role(person, [Role.COMPLIANCE])
    if not set(written) <= WRITTEN:
        raise ReviewRefused("bad_change", _("This is no content of a document."))

    def work() -> DisclosureDraft:
        draft = _locked(draft_id)
        if draft.revision != revision:
            raise ReviewRefused("content_changed", _("Somebody else saved this draft since you opened it."))
        body = checked({**draft.content, **written})
        if says_the_same:
            body["in_step"] = in_step(body["text"])
        draft.content = body
        draft.authors = sorted({*draft.authors, person.get_username()})
        draft.revision, draft.updated_at = draft.revision + 1, now
        draft.save(update_fields=["content", "authors", "revision", "updated_at"])
        return draft

    return _once("write", key, [draft_id, revision, dict(written), says_the_same], person, now, work)


def ask_to_publish(person: User, draft_id: int, reason: str, *, key: str, now: datetime, **more: Any) -> Proposal:
    """Put a draft to review: another member of compliance, who wrote none of it, approves or sends it back. It is published at
    once then, or at the time that the draft says. Raises `ReviewRefused`."""

    def work() -> DisclosureDraft:
        draft = _locked(draft_id)
        refuse_unfit(draft.content, now)
        change = {"action": "publish", "draft": draft.pk}
        old = draft.proposal if draft.proposal is not None and draft.proposal.state == "CHANGES_REQUESTED" else None
        at = moment(draft.content["effective_from"])
        made = propose(
            person, SUBJECT, None, change, reason, key=f"{key}:propose", now=now, scheduled_for=at,
            replaces=None if old is None else old.pk, **more,
        )  # fmt: skip
        draft.proposal = submit(person, made.pk, key=f"{key}:submit", now=now)
        draft.save(update_fields=["proposal"])
        return draft

    done = _once("publish", key, [draft_id, reason], person, now, work)
    return Proposal.objects.get(pk=done.proposal_id)


def ask_for_notice(
    person: User, action: str, kind: str, version: int, text: Mapping[str, str], reason: str, *, key: str, now: datetime
) -> Proposal:
    """Put a withdrawal ("withdraw") or a correction ("correct") of a published version to review.

    `text` is what the public reads. Raises `ReviewRefused`."""
    change = {"action": action, "kind": kind, "version": version, "text": dict(text)}
    with transaction.atomic():
        made = propose(person, SUBJECT, None, change, reason, key=f"{key}:propose", now=now)
        return submit(person, made.pk, key=f"{key}:submit", now=now)


def drop_draft(person: User, draft_id: int, *, key: str, now: datetime) -> None:
    """A draft that nothing came of is thrown away; one that ever was proposed stays. Raises `ReviewRefused`."""
    require_role(person, [Role.COMPLIANCE])

    def work() -> DisclosureDraft:
        draft = _locked(draft_id)
        if draft.proposal is not None:
            raise ReviewRefused("bad_state", _("A draft that was proposed stays with its proposal."))
        kept = DisclosureDraft(pk=draft.pk)
        draft.delete()
        return kept

    _once("drop", key, [draft_id], person, now, work)


def _locked(draft_id: int) -> DisclosureDraft:
    """The row, locked, which must be open."""
    if not DisclosureDraft.objects.select_for_update().filter(pk=draft_id).exists():
        raise ReviewRefused("unknown_draft", _("There is no such draft."))
    draft = draft_with(draft_id)
    if not is_open(draft):
        raise ReviewRefused(
            "bad_state", _("It is in review or published: withdraw the proposal, or start a new draft.")
        )
    return draft


def _once(
    verb: str, key: str, arguments: Any, person: User, now: datetime, work: Callable[[], DisclosureDraft]
) -> DisclosureDraft:
    """One key, one command; the draft it was about where it was done before."""
    actor = actor_of(person)
    command = digest(["disclosure", verb, actor.id, arguments])
    try:
        require_key(key)
        with transaction.atomic():
            lock_command(key)
            if (done := done_before(key, command)) is not None:
                found = DisclosureDraft.objects.filter(pk=done["draft"]).first()
                return found or DisclosureDraft(pk=done["draft"])
            draft = work()
            write_receipt(key, f"document.{verb}", command, {"draft": draft.pk}, actor, now)
            return draft
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused
