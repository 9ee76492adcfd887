"""What a change would be before anybody proposes it: its difference, its class, what it would need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.models import User
from governance.review.checks import require_role
from governance.review.kinds.kind import DiffRow
from governance.review.kinds.people import refuse_about_oneself
from governance.review.policies import policy_in_force
from governance.review.policy import Requirement
from governance.review.registry import kind_named


@dataclass(frozen=True, slots=True)
class Assessment:
    """Nothing is written. `needed` is what the policy in force asks of it now."""

    subject: str
    title: str
    diff: tuple[DiffRow, ...]
    risk_class: str
    risk_reasons: tuple[str, ...]
    needed: Requirement

    @property
    def is_at_once(self) -> bool:
        """It only makes things safer: one person may apply it, and another looks at it afterwards."""
        return self.needed.quorum == 0 and self.needed.review_within_s > 0


def assess_change(person: User, kind: str, change: Any, now: datetime) -> Assessment:
    """Raises `ReviewRefused` as proposing it would."""
    wanted = kind_named(kind)
    require_role(person, wanted.proposer_roles)
    policy = policy_in_force()
    canonical = wanted.canonical(change)
    refuse_about_oneself(person, wanted, canonical)
    risk = wanted.risk(canonical, policy, now)
    needed = policy.requirement(wanted.rule(canonical), risk.risk_class)
    diff = tuple(wanted.diff(canonical, wanted.base(canonical)))
    return Assessment(
        wanted.subject(canonical), wanted.title(canonical), diff, risk.risk_class, tuple(risk.reasons), needed
    )
