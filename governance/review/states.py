"""The states of a proposal and every step between them; the database holds the same list."""

from __future__ import annotations

from typing import Final

OPEN: Final = frozenset({"DRAFT", "IN_REVIEW", "CHANGES_REQUESTED", "APPROVED"})
TERMINAL: Final = frozenset({"APPLIED", "REJECTED", "EXPIRED", "WITHDRAWN", "SUPERSEDED", "CANCELLED", "FAILED"})

# action → the states it may start from and where it leads. A vote's action is its choice.
STEPS: Final[dict[str, tuple[frozenset[str], str]]] = {
    "edit": (frozenset({"DRAFT", "IN_REVIEW", "CHANGES_REQUESTED"}), "DRAFT"),
    "submit": (frozenset({"DRAFT"}), "IN_REVIEW"),
    "apply_at_once": (frozenset({"DRAFT"}), "APPLIED"),  # reducing changes only
    "request_changes": (frozenset({"IN_REVIEW"}), "CHANGES_REQUESTED"),
    "reject": (frozenset({"IN_REVIEW"}), "REJECTED"),
    "approve": (frozenset({"IN_REVIEW"}), "APPROVED"),  # by the vote that makes the quorum
    "apply": (frozenset({"APPROVED"}), "APPLIED"),
    "fail": (frozenset({"APPROVED"}), "FAILED"),
    "expire": (frozenset({"IN_REVIEW", "CHANGES_REQUESTED", "APPROVED"}), "EXPIRED"),
    "withdraw": (OPEN, "WITHDRAWN"),
    "supersede": (OPEN, "SUPERSEDED"),
    "cancel": (OPEN, "CANCELLED"),
}
