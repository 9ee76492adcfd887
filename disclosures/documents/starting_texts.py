"""The texts that a portal starts with (`texts/<kind>.<language>.md`), and what the demonstration makes of them.

Each is a draft for counsel: it says what the system does and what is not known, and was read by no lawyer and by no native
speaker of Dhivehi. The demonstration publishes some of them by the ordinary way, for all to see that this is recorded.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from disclosures.documents.content import FORMAT, in_step
from disclosures.documents.drafting import ask_to_publish, make_draft
from disclosures.documents.facts import LANGUAGES
from disclosures.documents.kinds import KINDS, DocumentKind
from disclosures.models import DisclosureDraft
from governance.models import User
from governance.review.step_up import StepUp
from governance.review.voting import APPROVE, vote

TEXTS: Final = Path(__file__).resolve().parent / "texts"
REASON: Final = "Demonstration: first text, not read by counsel."
# What the demonstration publishes, and what waits for the second person; the rest stays a draft.
PUBLISHED: Final = ("market-making-risk", "buyback-limitation", "conflicts-of-interest", "general-risk")
IN_REVIEW: Final = ("treasury-usage",)
TO_ACCEPT: Final = ("market-making-risk", "general-risk")


def starting_content(kind: DocumentKind, now: datetime) -> dict[str, Any]:
    """The content of a draft."""
    title, text = {}, {}
    for language in LANGUAGES:
        head, _newline, body = (TEXTS / f"{kind.slug}.{language}.md").read_text(encoding="utf-8").partition("\n")
        title[language], text[language] = head.removeprefix("# ").strip(), body.strip()
    return {
        "format": FORMAT,
        "kind": kind.slug,
        "title": title,
        "text": text,
        "in_step": in_step(text),
        "counsel": "",
        "native_reviewer": "",
        "requires_acknowledgement": kind.slug in TO_ACCEPT,
        "is_material": True,
        "effective_from": None,
        "effective_until": None,
        "review_due_on": (now + timedelta(days=kind.review_every_days)).date().isoformat(),
    }


def write_demo() -> str:
    """Drafts of every kind, some of them published by two people of compliance; "" where documents were written before."""
    if DisclosureDraft.objects.exists():
        return ""
    author, approver = (User.objects.get(username=name) for name in ("compliance", "compliance-2"))
    keys = (f"demo-document-{number}" for number in itertools.count(1))
    for kind in KINDS:
        now = timezone.now()
        draft = make_draft(author, starting_content(kind, now), key=next(keys), now=now)
        if kind.slug not in PUBLISHED + IN_REVIEW:
            continue
        now = timezone.now()
        made = ask_to_publish(author, draft.pk, REASON, key=next(keys), now=now, is_demo=True)
        if kind.slug in PUBLISHED:
            now = timezone.now()
            shown = StepUp("totp", now)
            vote(approver, made.pk, APPROVE, made.content_hash, REASON, shown, key=next(keys), now=now)
    return f"wrote {len(KINDS)} documents, {len(PUBLISHED)} of them published"
