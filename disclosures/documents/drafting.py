"""Writing a document: drafts, and asking for their publication, a withdrawal or a correction. What decides is a proposal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from disclosures.documents.content import FORMAT, checked, in_step, refuse_unfit
from disclosures.documents.incident import empty_text
from disclosures.documents.kinds import SUBJECT, DocumentKind, incident_slug, is_incident, kind_of
from disclosures.documents.selectors import draft_with, incident_numbers, is_open, newest
from disclosures.documents.times import moment, told_time
from disclosures.models import DisclosureDraft
from governance.access.actors import actor_of
from governance.access.roles import Role, has_role
from governance.models import Proposal, User
from governance.review.canonical import digest
from governance.review.checks import require_role
from governance.review.drafting import propose, submit
from governance.review.errors import ReviewRefused
from trading.controls.commands import ControlRefused, done_before, require_key, write_receipt
from trading.locks import lock_command

MOST_A_DAY: Final = 999
# What an operator may say of an incident. Who looked at the text, its dates and its weight are compliance's to say.
TOLD: Final = frozenset({"title", "text", "incident"})
# What the writing of a draft may say; the rest of its content is kept.
WRITTEN: Final = frozenset(
    {
        "title", "text", "counsel", "native_reviewer", "requires_acknowledgement", "is_material", "effective_from",
        "effective_until", "review_due_on", "incident",
    }
)  # fmt: skip


def writers_of(kind: str) -> tuple[Role, ...]:
    """Who writes drafts of it: of an incident also the operators who were there. Compliance alone asks for publication."""
    return (Role.COMPLIANCE, Role.OPERATOR) if is_incident(kind) else (Role.COMPLIANCE,)


def start_draft(person: User, kind: str, *, key: str, now: datetime) -> DisclosureDraft:
    """A draft that starts from the newest version, or empty; of an incident only where a report of it was published
    (`start_report`). Raises `ReviewRefused`."""
    require_role(person, writers_of(kind))
    content, last = _empty(kind_of(kind), now), newest(kind, now)
    if last is not None:
        kept = ("title", "text", "in_step", "counsel", "native_reviewer", "requires_acknowledgement", "incident")
        content |= {name: last.content[name] for name in kept if name in last.content}
    elif is_incident(kind):
        raise ReviewRefused("unknown_document", _("There is no such document."))
    return _new(person, content, key=key, now=now)


def start_report(person: User, starts_at: str, *, key: str, now: datetime) -> DisclosureDraft:
    """The draft of the first report of an incident that began then (ISO, with an offset). Raises `ReviewRefused`."""
    require_role(person, [Role.COMPLIANCE, Role.OPERATOR])
    began = moment(told_time(starts_at))
    if began is None or began > now:
        raise ReviewRefused("bad_dates", _("An incident is reported after it began, and its end after it ended."))

    def work() -> DisclosureDraft:
        lock_command(f"incidents:{began:%Y%m%d}")
        number = max(incident_numbers(began), default=0) + 1
        if number > MOST_A_DAY:
            raise ReviewRefused("too_many", _("There are reports enough of that day: add to one of them."))
        content = _empty(kind_of(incident_slug(began, number)), now) | {
            "text": empty_text(),
            "incident": {"starts_at": began.isoformat(), "ends_at": None, "markets": []},
        }
        return _made(person, checked(content), now)

    return _once("report", key, [began.isoformat()], person, now, work)


def make_draft(person: User, content: Mapping[str, Any], *, key: str, now: datetime) -> DisclosureDraft:
    """A draft of that content, all of which is compliance's to say. Raises `ReviewRefused`."""
    require_role(person, [Role.COMPLIANCE])
    return _new(person, content, key=key, now=now)


def _new(person: User, content: Mapping[str, Any], *, key: str, now: datetime) -> DisclosureDraft:
    body = checked(content)
    return _once("make", key, [body], person, now, lambda: _made(person, body, now))


def _made(person: User, body: dict[str, Any], now: datetime) -> DisclosureDraft:
    made = {"kind": body["kind"], "content": body, "authors": [person.get_username()]}
    return DisclosureDraft.objects.create(**made, created_at=now, updated_at=now)


def _empty(kind: DocumentKind, now: datetime) -> dict[str, Any]:
    nothing = {"en": "", "dv": ""}
    return {
        "format": FORMAT, "kind": kind.slug, "title": nothing, "text": nothing, "in_step": nothing, "counsel": "",
        "native_reviewer": "", "requires_acknowledgement": False, "is_material": True, "effective_from": None,
        "effective_until": None, "review_due_on": (now + timedelta(days=kind.review_every_days)).date().isoformat(),
    }  # fmt: skip


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

    Who writes becomes an author, and does not approve; an operator writes `TOLD` alone. With `says_the_same` both languages are
    in step from here on. Raises `ReviewRefused`."""
    require_role(person, writers_of(_kind_of(draft_id)))
    if not set(written) <= WRITTEN:
        raise ReviewRefused("bad_change", _("This is no content of a document."))
    if not set(written) <= TOLD and not has_role(person, Role.COMPLIANCE):
        raise ReviewRefused("no_role", _("Who looked at a text, its dates and its weight are compliance's to say."))

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


def may_drop(person: Any, draft: DisclosureDraft) -> bool:
    """Whether the person, who may write it, may also throw it away."""
    return has_role(person, Role.COMPLIANCE) or draft.authors == [person.get_username()]


def drop_draft(person: User, draft_id: int, *, key: str, now: datetime) -> None:
    """A draft that nothing came of is thrown away, by compliance or by its only author; one that ever was proposed stays. Raises
    `ReviewRefused`."""
    require_role(person, writers_of(_kind_of(draft_id)))

    def work() -> DisclosureDraft:
        draft = _locked(draft_id)
        if draft.proposal is not None:
            raise ReviewRefused("bad_state", _("A draft that was proposed stays with its proposal."))
        if not may_drop(person, draft):
            raise ReviewRefused("no_role", _("Others wrote in this draft: compliance alone throws it away."))
        kept = DisclosureDraft(pk=draft.pk)
        draft.delete()
        return kept

    _once("drop", key, [draft_id], person, now, work)


def _kind_of(draft_id: int) -> str:
    """Of a draft; empty where there is none. It never changes."""
    return DisclosureDraft.objects.filter(pk=draft_id).values_list("kind", flat=True).first() or ""


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
