"""Changing what the public sees: finer or sooner needs two others and a timelock, coarser or later holds at once.

Change: {field: value as plain decimal text}, only what differs. Subject: publication. Base: {"publication": {"version", "hash"}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from disclosures.models import PublicationPolicy
from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import INCREASING, REDUCING, RiskAssessment, highest
from trading.events.services import plain_decimal


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the policy with its hard bounds; more of it is always safer."""

    name: str
    label: Any
    unit: str
    low: Decimal
    high: Decimal
    decimals: int = 0


FIELDS: Final = (
    Field("delay_s", gettext_lazy("delay of inventory"), "s", Decimal(0), Decimal(604_800)),
    Field(
        "inventory_step_share",
        gettext_lazy("rounding of inventory"),
        "of the hard limit",
        Decimal("0.001"),
        Decimal(1),
        4,
    ),
    Field("pnl_granularity_days", gettext_lazy("P&L is summed over"), "days", Decimal(1), Decimal(31)),
    Field("quote_granularity_s", gettext_lazy("granularity of our quotes"), "s", Decimal(0), Decimal(86_400)),
)
BY_NAME: Final = {field.name: field for field in FIELDS}
Values = dict[str, Decimal]


class PublicationChange:
    name = "publication"
    proposer_roles = (Role.COMPLIANCE, Role.ADMINISTRATOR)

    def canonical(self, change: Any) -> dict[str, Any]:
        if not isinstance(change, Mapping) or not change or not set(change) <= set(BY_NAME):
            raise ReviewRefused("bad_change", _("Say which values of the publication policy change."))
        before = _values(_last())
        wanted = {field.name: _parsed(field, change[field.name]) for field in FIELDS if field.name in change}
        differing = {name: plain_decimal(value) for name, value in wanted.items() if value != before[name]}
        if not differing:
            raise ReviewRefused("no_change", _("This is the publication policy in force."))
        return differing

    def subject(self, change: Change) -> str:
        return self.name

    def title(self, change: Change) -> str:
        return f"Publication: {', '.join(f'{name} {value}' for name, value in change.items())}"[:200]

    def base(self, change: Change) -> Base:
        last = _last()
        body = {name: plain_decimal(value) for name, value in _values(last).items()}
        return {self.name: {"version": last.version, "hash": digest(body)}}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        before = _values(_last())
        moves = [(name, Decimal(value) < before[name]) for name, value in change.items()]
        reasons = tuple(f"{self.name}:{name}:{'riskier' if finer else 'safer'}" for name, finer in moves)
        return RiskAssessment(highest(INCREASING if finer else REDUCING for _, finer in moves), reasons)

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        before = _values(PublicationPolicy.objects.get(version=base[self.name]["version"]))
        return [
            DiffRow(
                self.name, name, str(BY_NAME[name].label), BY_NAME[name].unit, plain_decimal(before[name]), value,
                "riskier" if Decimal(value) < before[name] else "safer",
                (plain_decimal(BY_NAME[name].low), plain_decimal(BY_NAME[name].high)),
            )
            for name, value in change.items()
        ]  # fmt: skip

    def markets(self, change: Change) -> tuple[str, ...]:
        return ()

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        # Two versions at once: the unique version number lets only one be written.
        return

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal, last = applying.proposal, _last()
        PublicationPolicy.objects.create(
            version=last.version + 1,
            **(_values(last) | {name: Decimal(value) for name, value in proposal.change.items()}),
            reason=proposal.reason,
            authorised_by=applying.authorised_by,
            actor_id=str(proposal.proposer_id),
            actor_name=proposal.proposer_name,
            applied_at=applying.now,
        )


def change_back(subject: str, version: int) -> dict[str, str]:
    """What brings the policy back to a version. Raises `ReviewRefused` ("unknown_version")."""
    row = PublicationPolicy.objects.filter(version=version).first()
    if row is None:
        raise ReviewRefused("unknown_version", _("There is no such version."))
    return {name: plain_decimal(value) for name, value in _values(row).items()}


def _last() -> PublicationPolicy:
    row = PublicationPolicy.objects.order_by("-version").first()
    if row is None:
        raise ReviewRefused("no_policy", _("There is no publication policy: the owner runs the migrations."))
    return row


def _values(row: PublicationPolicy) -> Values:
    return {field.name: Decimal(getattr(row, field.name)) for field in FIELDS}


def _parsed(field: Field, raw: Any) -> Decimal:
    """Exact text within the bounds. Raises `ReviewRefused` ("invalid")."""
    message = _("%(field)s must be a number from %(low)s to %(high)s, with at most %(decimals)s decimals.") % {
        "field": field.label, "low": field.low, "high": field.high, "decimals": field.decimals,
    }  # fmt: skip
    if not isinstance(raw, str) or len(raw) > 32:
        raise ReviewRefused("invalid", message)
    try:
        value = Decimal(raw)
    except InvalidOperation:
        raise ReviewRefused("invalid", message) from None
    if not value.is_finite() or not field.low <= value <= field.high or round(value, field.decimals) != value:
        raise ReviewRefused("invalid", message)
    return value
