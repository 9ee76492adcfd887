"""The head of the one lock order (trading/locks.py): proposals, then people, before everything that trading locks."""

from __future__ import annotations

from collections.abc import Iterable

from governance.models import Proposal, User


def lock_proposals(ids: Iterable[int]) -> list[Proposal]:
    return list(Proposal.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk"))


def lock_people(ids: Iterable[int]) -> list[User]:
    """Rows of people whose roles, credentials or closing must not change under the caller; others may still refer to them."""
    return list(User.objects.select_for_update(no_key=True).filter(pk__in=list(ids)).order_by("pk"))
