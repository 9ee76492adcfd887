"""The versions of the review policy, read from their table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from governance.models import Proposal, ReviewPolicy
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.policy import InvalidPolicy, Policy, Requirement, parse_policy, snapshot, stricter


def policy_in_force() -> Policy:
    """The newest version. Raises `ReviewRefused` where there is none or it cannot be read: then nothing may be approved."""
    row = ReviewPolicy.objects.order_by("-version").first()
    if row is None:
        raise ReviewRefused("no_policy", _("There is no review policy: nothing can be proposed or approved."))
    return _parsed(row)


def _parsed(row: ReviewPolicy) -> Policy:
    try:
        if digest(row.body) != row.body_hash:
            raise InvalidPolicy(("the stored rules do not have the stored hash",))
        return parse_policy(row.body, row.version)
    except InvalidPolicy as problem:
        message = _("Version %(version)s of the review policy cannot be read: %(problem)s")
        raise ReviewRefused("bad_policy", message % {"version": row.version, "problem": problem}) from problem


def write_policy(
    body: dict[str, Any], *, authorised_by: str, actor_id: str, actor_name: str, reason: str, now: datetime
) -> ReviewPolicy:
    """The next version, in the caller's transaction. Raises `InvalidPolicy`."""
    last = ReviewPolicy.objects.order_by("-version").first()
    version = last.version + 1 if last else 1
    parse_policy(body, version)
    return ReviewPolicy.objects.create(
        version=version,
        body=body,
        body_hash=digest(body),
        reason=reason,
        authorised_by=authorised_by,
        actor_id=actor_id,
        actor_name=actor_name,
        applied_at=now,
    )


def requirement_now(proposal: Proposal, rule: str, policy: Policy, risk_class: str) -> Requirement:
    """What the proposal needs: the stricter of what it was made with and what the policy in force asks of it now.

    Raises `ReviewRefused` where its own record cannot be read.
    """
    try:
        made_with = snapshot(proposal.required)
    except InvalidPolicy as problem:
        raise ReviewRefused("bad_requirement", _("What this proposal needs cannot be read.")) from problem
    return stricter(made_with, policy.requirement(rule, risk_class))
