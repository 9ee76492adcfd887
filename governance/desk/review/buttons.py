"""Which buttons a person sees on a proposal: what its services would take from them in its state, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from governance.access.roles import has_role, roles_of
from governance.desk.review.kind_forms import FORMS
from governance.models import Proposal, User
from governance.review.errors import ReviewRefused
from governance.review.policies import policy_in_force
from governance.review.previewing import PREVIEWS
from governance.review.registry import kind_named
from governance.review.rollback import EARLIER
from governance.review.states import OPEN
from governance.review.story import why_may_not_review, why_may_not_vote

# Kinds whose earlier versions can be proposed again, beside those that an upper room registers.
ROLLED_BACK: Final = frozenset({"parameters", "limits"})
# In the order of the page.
_OWN: Final = {
    "DRAFT": ("preview", "submit", "apply_at_once", "edit", "withdraw"),
    "IN_REVIEW": ("edit", "withdraw"),
    "CHANGES_REQUESTED": ("edit", "withdraw"),
    "APPROVED": ("schedule", "withdraw"),
}


@dataclass(frozen=True, slots=True)
class Buttons:
    """`shown`: names of verbs. `why_not_vote` and `why_not_review`: coded reasons where those are not among them."""

    shown: tuple[str, ...]
    why_not_vote: str | None
    why_not_review: str | None

    def __contains__(self, verb: str) -> bool:
        return verb in self.shown


def buttons_for(person: User, proposal: Proposal, now: datetime) -> Buttons:
    """What the person may do with it now."""
    kind, state = kind_named(proposal.kind), str(proposal.state)
    shown: list[str] = []
    if person.pk == proposal.proposer_id and has_role(person, *kind.proposer_roles):
        shown += [verb for verb in _OWN.get(state, ()) if _fits(verb, proposal)]
    no_vote, no_review = why_may_not_vote(person, proposal, now), why_may_not_review(person, proposal)
    if no_vote is None:
        shown.append("vote")
    if no_review is None:
        shown.append("review")
    if state in OPEN and _guardian_role() in roles_of(person):
        shown.append("cancel")
    if state == "APPLIED" and proposal.kind in ROLLED_BACK | EARLIER.keys() and has_role(person, *kind.proposer_roles):
        shown.append("roll_back")
    return Buttons((*shown, "comment"), no_vote, no_review)


def _fits(verb: str, proposal: Proposal) -> bool:
    is_at_once = int(proposal.required.get("quorum", 1)) == 0
    if verb == "edit":
        # Kinds without a form are withdrawn and proposed again.
        return proposal.kind == "parameters" or proposal.kind in FORMS
    if verb == "preview":
        return proposal.kind in PREVIEWS and not is_at_once
    if verb in ("submit", "apply_at_once"):
        return is_at_once is (verb == "apply_at_once")
    return True


def _guardian_role() -> str:
    try:
        return policy_in_force().guardian_role
    except ReviewRefused:
        return ""
