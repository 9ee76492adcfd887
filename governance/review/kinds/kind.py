"""What a kind of change must say about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment

Change = Mapping[str, Any]
Base = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One value of a change: `part` is the market or thing, values as text ("" where there is none)."""

    part: str
    name: str
    label: str
    unit: str
    before: str
    after: str
    code: str = ""
    bounds: tuple[str, str] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Applying:
    """What `apply` may need: the approved proposal, its proposer, and the people whose votes count, in the order of voting."""

    proposal: Proposal
    proposer: User
    approvers: tuple[User, ...]
    now: datetime

    @property
    def authorised_by(self) -> str:
        return f"proposal:{self.proposal.pk}"


class Kind(Protocol):
    """One kind of governed change. A change is JSON in the kind's own shape; only `canonical` sees it as a door sent it.

    Every method raises `ReviewRefused` with a coded reason where it must say no.
    """

    @property
    def name(self) -> str: ...

    @property
    def proposer_roles(self) -> tuple[Role, ...]: ...

    def canonical(self, change: Any) -> dict[str, Any]:
        """The change validated against what is in force, in its one spelling: unknown, unchanged and unsound parts refused."""
        ...

    def subject(self, change: Change) -> str:
        """What it is about, as in `parameters:dct-usdt-dex`."""
        ...

    def title(self, change: Change) -> str:
        """One line for lists, in English."""
        ...

    def base(self, change: Change) -> Base:
        """Version and hash of every part as they are now."""
        ...

    def rule(self, change: Change) -> str:
        """The rule of the policy's `kinds` under which it falls."""
        ...

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment: ...

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        """Values before (in the base) and after."""
        ...

    def markets(self, change: Change) -> tuple[str, ...]:
        """Slugs of the markets that it would loosen: refused while the review of one of them is overdue."""
        ...

    def barred(self, change: Change) -> frozenset[str]:
        """User names of the people whom it is about: they do not vote."""
        ...

    def lock(self, proposal: Proposal) -> None:
        """Lock what `base` reads, in the one lock order."""
        ...

    def ready(self, change: Change, now: datetime) -> None:
        """Raises `ReviewRefused` where the change could not be applied now for a reason that may pass; asked outside of locks."""
        ...

    def apply(self, applying: Applying) -> None:
        """Make it so, in the caller's transaction, with the locks of `lock` held and the base found unchanged."""
        ...
