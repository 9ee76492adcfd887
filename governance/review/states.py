"""The states of a proposal and every step between them; the database holds the same list."""

from __future__ import annotations

from typing import Final

from governance.models import ProposalState

S = ProposalState

# action → the states it may start from and where it leads. A vote's action is its choice.
STEPS: Final[dict[str, tuple[frozenset[str], str]]] = {
    "edit": (frozenset({S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED}), S.DRAFT),
    "submit": (frozenset({S.DRAFT}), S.IN_REVIEW),
    "apply_at_once": (frozenset({S.DRAFT}), S.APPLIED),  # reducing changes only
    "request_changes": (frozenset({S.IN_REVIEW}), S.CHANGES_REQUESTED),
    "reject": (frozenset({S.IN_REVIEW}), S.REJECTED),
    "approve": (frozenset({S.IN_REVIEW}), S.APPROVED),  # by the vote that makes the quorum
    "apply": (frozenset({S.APPROVED}), S.APPLIED),
    "fail": (frozenset({S.APPROVED}), S.FAILED),
    "expire": (frozenset({S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED}), S.EXPIRED),
    "withdraw": (frozenset({S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED}), S.WITHDRAWN),
    "supersede": (frozenset({S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED}), S.SUPERSEDED),
    "cancel": (frozenset({S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED}), S.CANCELLED),
}
OPEN: Final = frozenset({S.DRAFT, S.IN_REVIEW, S.CHANGES_REQUESTED, S.APPROVED})
TERMINAL: Final = frozenset({S.APPLIED, S.REJECTED, S.EXPIRED, S.WITHDRAWN, S.SUPERSEDED, S.CANCELLED, S.FAILED})
