"""Documents as a kind of the review engine.

A door sends {"action": "publish", "draft": id}, or {"action": "withdraw" | "correct", "kind", "version", "text": {en, dv}}. What
is voted on says everything: {"action": "publish", "draft", "content" (with its facts), "sha256", "authors"}.
Subject: document:<kind>.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from difflib import unified_diff
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from disclosures.documents.content import lagging, names_of, published_form, refuse_incomplete
from disclosures.documents.facts import LANGUAGES, freeze
from disclosures.documents.kinds import SUBJECT, is_incident, kind_of
from disclosures.documents.pdf import NOT_PRINTED, pdf_of
from disclosures.documents.publishing import publish, write_notice
from disclosures.documents.selectors import draft_with
from disclosures.documents.times import moment
from disclosures.models import DisclosureNotice, DisclosureVersion
from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import NEUTRAL, RiskAssessment
from trading.locks import lock_command

NOTICE_FIELDS = {"action", "kind", "version", "text"}
NOTICE_MAX = 2000
ENGLISH, DHIVEHI = gettext_noop("English"), gettext_noop("Dhivehi")
WORDS = {"en": ENGLISH, "dv": DHIVEHI}


class DocumentChange:
    name = SUBJECT
    proposer_roles = (Role.COMPLIANCE,)

    def canonical(self, change: Any) -> dict[str, Any]:
        action = change.get("action") if isinstance(change, Mapping) else None
        if action == "publish":
            return _publication(change)
        if action in ("withdraw", "correct") and set(change) == NOTICE_FIELDS:
            return _notice(change)
        raise ReviewRefused("bad_change", _("Publish a draft, or withdraw or correct a version."))

    def subject(self, change: Change) -> str:
        return f"{SUBJECT}:{_kind(change)}"

    def title(self, change: Change) -> str:
        kind = _kind(change)
        label = f"{kind_of(kind).label} {kind.removeprefix('incident-')}" if is_incident(kind) else kind_of(kind).label
        if change["action"] == "publish":
            return f"Publish: {label}"
        return f"{change['action'].capitalize()}: {label}, version {change['version']}"

    def base(self, change: Change) -> Base:
        kind = _kind(change)
        last = DisclosureVersion.objects.filter(kind=kind).only("version", "sha256").order_by("-version").first()
        said = DisclosureNotice.objects.filter(version__kind=kind).count()
        standing = digest([last.sha256 if last else "", said])
        base: Base = {f"{SUBJECT}:{kind}": {"version": last.version if last else 0, "hash": standing}}
        if change["action"] == "publish":
            # What the text says of the system must still be so when it is published.
            base[f"facts:{kind}"] = {"version": 0, "hash": digest(freeze(change["content"]["facts"]))}
        return base

    def rule(self, change: Change) -> str:
        return SUBJECT

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        return RiskAssessment(NEUTRAL, ("told_to_the_public",))

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        kind = _kind(change)
        if change["action"] != "publish":
            part = f"{kind} {change['version']}"
            return [DiffRow(part, "text", WORDS[one], "", "", change["text"][one]) for one in LANGUAGES]
        before = base[f"{SUBJECT}:{kind}"]["version"]
        row = DisclosureVersion.objects.filter(kind=kind, version=before).only("content", "sha256").first()
        return _rows_of(change, row)

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset(change.get("authors", ()))

    def lock(self, proposal: Proposal) -> None:
        # Versions only grow, so that there is no row to lock: whoever publishes the same kind waits for this.
        lock_command(proposal.subject)

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        change = applying.proposal.change
        if change["action"] != "publish":
            write_notice(applying)
            return
        begins = moment(change["content"]["effective_from"])
        if begins is not None and applying.now < begins:
            raise ReviewRefused("too_early", _("Its time has not come yet."))
        publish(applying)


def page_of(proposal: Proposal) -> str:
    """Where a proposal about a document is read as the public would read it."""
    return reverse("desk-disclosure-proposal", args=[proposal.pk])


def is_publication(change: Any) -> bool:
    """Proposed by `disclosures.documents.drafting.ask_to_publish` alone, which asks whether the draft is fit, open, and when."""
    return isinstance(change, Mapping) and change.get("action") == "publish"


def _kind(change: Change) -> str:
    return str(change["content"]["kind"] if change["action"] == "publish" else change["kind"])


def _publication(change: Mapping[str, Any]) -> dict[str, Any]:
    draft_id = change.get("draft")
    if isinstance(draft_id, bool) or not isinstance(draft_id, int) or not 0 < draft_id < 2**63:
        raise ReviewRefused("bad_change", _("Publish a draft, or withdraw or correct a version."))
    draft = draft_with(draft_id)
    refuse_incomplete(draft.content)
    content = {**draft.content, "facts": freeze(names_of(draft.content))}
    for language in LANGUAGES:
        # It must come out whole in every language before anybody votes on it.
        pdf_of(content, language, NOT_PRINTED)
    wanted = {
        "action": "publish",
        "draft": draft.pk,
        "content": content,
        "sha256": published_form(content)[1],
        "authors": list(draft.authors),
    }
    if any(name not in wanted or wanted[name] != value for name, value in change.items()):
        raise ReviewRefused("bad_change", _("The draft says something else than the change."))
    return wanted


def _notice(change: Mapping[str, Any]) -> dict[str, Any]:
    kind, version, text = kind_of(change["kind"]).slug, change["version"], change["text"]
    if isinstance(version, bool) or not isinstance(version, int) or not 0 < version < 2**31:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    row = DisclosureVersion.objects.filter(kind=kind, version=version).only("id").first()
    if row is None:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    if row.notices.filter(what=DisclosureNotice.What.WITHDRAWAL).exists():
        raise ReviewRefused("withdrawn", _("This version is withdrawn already."))
    if not isinstance(text, Mapping) or set(text) != set(LANGUAGES):
        raise ReviewRefused("one_language", _("Say it in English and in Dhivehi."))
    said = {language: text[language] for language in LANGUAGES}
    if not all(
        isinstance(one, str) and 3 <= len(one.strip()) <= NOTICE_MAX and "\x00" not in one for one in said.values()
    ):
        raise ReviewRefused("one_language", _("Say it in English and in Dhivehi, in 3 to 2000 characters each."))
    trimmed = {language: one.strip() for language, one in said.items()}
    return {"action": change["action"], "kind": kind, "version": version, "text": trimmed}


def _rows_of(change: Change, row: DisclosureVersion | None) -> list[DiffRow]:
    new: Mapping[str, Any] = change["content"]
    old = _content(row)
    part = f"{new['kind']} {(row.version if row else 0) + 1}"
    rows = []
    for language in LANGUAGES:
        before = old["title"][language] if old else ""
        rows.append(DiffRow(part, f"title.{language}", WORDS[language], "", before, new["title"][language]))
        moved = _moved(old["text"][language] if old else "", new["text"][language])
        rows.append(DiffRow(part, f"text.{language}", WORDS[language], gettext_noop("lines"), "", moved))
    if "incident" in new:
        for name, told in new["incident"].items():
            before = str(old["incident"][name] or "") if old else ""
            if before != str(told or ""):
                rows.append(DiffRow(part, f"incident.{name}", "", "", before, str(told or "")))
    for name in ("effective_from", "effective_until", "review_due_on", "counsel", "native_reviewer"):
        before = str(old[name] or "") if old else ""
        if before != str(new[name] or ""):
            rows.append(DiffRow(part, name, "", "", before, str(new[name] or "")))
    if lag := lagging(new):
        rows.append(DiffRow(part, "lagging", "", "", "", lag))
    return [*rows, DiffRow(part, "sha256", "SHA-256", "", row.sha256[:16] if row else "", change["sha256"][:16])]


def _content(row: DisclosureVersion | None) -> dict[str, Any] | None:
    return None if row is None else json.loads(row.content)


def _moved(before: str, after: str) -> str:
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    more = sum(line.startswith("+") for line in lines)
    less = sum(line.startswith("-") for line in lines)
    return f"+{more} −{less}"
