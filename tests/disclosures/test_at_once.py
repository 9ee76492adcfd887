"""Two at once: saving, asking for publication, accepting, checking. Each is done once, and the other is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connections

from disclosures.documents import drafting
from disclosures.documents.acknowledging import acknowledge
from disclosures.documents.checklist import check
from disclosures.models import DisclosureAcknowledgement, DisclosureDraft, DisclosureVersion
from governance.models import Proposal
from governance.review.applying import apply
from governance.review.errors import ReviewRefused
from tests.disclosures.library import RISK, Library
from tests.review.desk import key
from trading.models import Event


def twice(work: Callable[[int], Any]) -> list[str]:
    """What came of both, sorted: "done" or the code of the refusal."""

    def one(number: int) -> str:
        try:
            work(number)
        except ReviewRefused as refused:
            return refused.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(one, range(2)))


def test_each_is_done_once(committed_library: Library) -> None:
    library, people, now = committed_library, committed_library.desk.people, committed_library.now
    draft = library.draft()

    def save(number: int) -> None:
        person, written = people["cora" if number else "emma"], {"counsel": f"counsel {number}"}
        drafting.write_draft(person, draft.pk, written, revision=1, says_the_same=False, key=key(), now=now)

    assert twice(save) == ["content_changed", "done"]
    assert (DisclosureDraft.objects.get().revision, DisclosureDraft.objects.get().authors[0]) == (2, "cora")

    def ask(number: int) -> None:
        drafting.ask_to_publish(people["cora"], draft.pk, "a reason", key=key(), now=now)

    assert twice(ask) == ["bad_state", "done"]
    assert Proposal.objects.count() == 1

    row = library.published("general-risk", requires_acknowledgement=True)
    accepted = twice(lambda _: acknowledge(people["ivy"], "general-risk", 1, row.sha256, key=key(), now=now))
    assert (accepted, DisclosureAcknowledgement.objects.count()) == (["done", "done"], 1)

    assert twice(lambda _: check(now)) == ["done", "done"]
    assert Event.objects.filter(type="disclosure.missing", aggregate=f"disclosure:{RISK}").count() == 1


def test_two_approved_from_the_same_version_publish_one(committed_library: Library) -> None:
    """Whoever comes second is stale."""
    library, desk = committed_library, committed_library.desk
    begins = (library.now + timedelta(hours=2)).isoformat()
    made = [desk.vote(library.submitted(library.draft(effective_from=begins)), name) for name in ("dina", "emma")]
    assert [one.state for one in made] == ["APPROVED", "APPROVED"]
    desk.forward(hours=3)
    assert twice(lambda number: apply(made[number].pk, now=library.now)) == ["done", "done"]
    assert sorted(Proposal.objects.values_list("state", flat=True)) == ["APPLIED", "FAILED"]
    assert [one.version for one in DisclosureVersion.objects.all()] == [1]
