"""Proposals of the demonstration, one in each state, marked as such; written while genesis is open, by the owner role.

They go the real way through the services. What only time brings (expiry, failure) is written as time would write it.
None of them changes how a market trades.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from governance.access.actors import actor_of
from governance.models import Proposal, User
from governance.review import applying, clockwork, drafting, previewing, voting
from governance.review.starting_policy import DEMO_TIMELOCK_S, starting_policy
from governance.review.step_up import StepUp
from governance.review.transitions import SYSTEM, record_step, step
from trading.registry.demo import MARKETS

DEX: Final = MARKETS[0].slug
CEX: Final = MARKETS[1].slug
REASON: Final = "Demonstration: shows a proposal in this state."
SHORTER_REVIEW: Final = starting_policy(DEMO_TIMELOCK_S) | {"in_review_valid_s": 7 * 86_400}


def _values(slug: str, **values: str) -> dict[str, Any]:
    return {"markets": {slug: values}}


class DemoProposals:
    """Makes them; `write` is the door. `now` is asked for each step, so that everybody was there before what they vote on."""

    def __init__(self, now: Callable[[], datetime] = timezone.now) -> None:
        self._now = now
        self._people = {user.username: user for user in User.objects.all()}
        self._keys = (f"demo-proposal-{number}" for number in itertools.count(1))

    def write(self) -> list[Proposal]:
        """One in each state."""
        draft = self._propose("parameters", {"markets": {DEX: {"beta": "0.31"}, CEX: {"beta": "0.31"}}})
        self._submitted(_values(DEX, spread_floor_bps="4"))
        self._vote(self._submitted(_values(CEX, order_size_lots="2")), "approver", "request_changes")
        self._vote(self._submitted(_values(CEX, max_notional_per_side="9000000")), "approver", "reject")
        self._scheduled()
        self._taken_role()
        self._expired(draft)
        self._failed()
        self._closed_by_people()
        return list(Proposal.objects.filter(is_demo=True).order_by("pk"))

    def _propose(self, kind: str, change: Any, by: str = "operator", **more: Any) -> Proposal:
        return drafting.propose(
            self._people[by], kind, None, change, REASON, key=next(self._keys), now=self._now(), is_demo=True, **more
        )

    def _submitted(self, change: Any, kind: str = "parameters", by: str = "operator") -> Proposal:
        proposal = self._propose(kind, change, by)
        if kind in previewing.PREVIEWS:
            previewing.attach_preview(self._people[by], proposal.pk, key=next(self._keys), now=self._now())
        return drafting.submit(self._people[by], proposal.pk, key=next(self._keys), now=self._now())

    def _vote(self, proposal: Proposal, by: str, choice: str = "approve") -> Proposal:
        now = self._now()
        shown = StepUp("totp", now)
        person, key = self._people[by], next(self._keys)
        return voting.vote(person, proposal.pk, choice, proposal.content_hash, REASON, shown, key=key, now=now)

    def _approved(self, change: Any, kind: str = "parameters", by: str = "operator") -> Proposal:
        proposal = self._submitted(change, kind, by)
        self._vote(proposal, "approver")
        return self._vote(proposal, "approver-2")

    def _scheduled(self) -> None:
        """Approved, and waiting for most of a day."""
        proposal = self._approved({"body": SHORTER_REVIEW}, "policy", "administrator")
        at = self._now() + timedelta(hours=20)
        applying.schedule(self._people["administrator"], proposal.pk, at, key=next(self._keys), now=self._now())

    def _taken_role(self) -> None:
        """Applied at once and to be looked at within a day: the compliance officer is no auditor besides."""
        change = {"username": "compliance", "role": "auditor", "action": "revoke"}
        draft, now = self._propose("role_grant", change, "administrator"), self._now()
        administrator = self._people["administrator"]
        applying.apply_at_once(administrator, draft.pk, key=next(self._keys), now=now, step_up=StepUp("totp", now))

    def _expired(self, draft: Proposal) -> None:
        """As the draft, but submitted so long ago that its time is over."""
        now = self._now()
        then, until = now - timedelta(days=15), now - timedelta(days=1)
        late = Proposal.objects.get(pk=draft.pk)
        late.pk, late.state, late.created_at, late.submitted_at, late.valid_until = None, "IN_REVIEW", then, then, until
        late.save(force_insert=True)
        for before, action in (("", "make"), ("DRAFT", "submit")):
            record_step(late, before, action, actor=actor_of(late.proposer), now=then, reason=REASON)
        clockwork.expire_due(now)

    def _failed(self) -> None:
        proposal = self._approved(_values(DEX, q_hard_lots="21"))
        failure = "stale: what this changes has been changed since (demonstration)"
        step(proposal, "fail", actor=SYSTEM, now=self._now(), reason=failure, failure=failure)

    def _closed_by_people(self) -> None:
        """Withdrawn by its proposer, superseded by a newer one, cancelled by the guardian."""
        withdrawn, old, cancelled = (
            self._submitted(_values(DEX, spread_floor_bps=bps)) for bps in ("4.5", "4.4", "4.3")
        )
        operator, guardian = self._people["operator"], self._people["compliance"]
        drafting.withdraw(operator, withdrawn.pk, REASON, key=next(self._keys), now=self._now())
        self._propose("parameters", _values(DEX, spread_floor_bps="4.6"), replaces=old.pk)
        applying.cancel(guardian, cancelled.pk, REASON, key=next(self._keys), now=self._now())
