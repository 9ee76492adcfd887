"""Limits of worst-case exposure of an asset and of the desk: all limits of one proposal change, or none does.

Change: {"limits": {"asset:<id>" or "desk:<quote asset>": {"soft_limit" or "hard_limit": plain decimal text, or "none"}}}, only
what differs; "none", for both at once: no limit stands. Base: {name: {"version": n, "hash": hash of both limits}}; version 0:
none was ever set. Subject: limits:<name>[,<name>...], in alphabetical order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess_limits
from trading.locks import lock_limits
from trading.models import Asset, ExposureLimit, Market
from trading.models.parameters import LIMIT_MAX
from trading.parameters.limits import (
    FIELDS,
    NONE,
    InvalidLimit,
    LimitAuthor,
    LimitValues,
    apply_limit,
    limit_of,
    limit_text,
    limits_before,
    limits_in_force,
    limits_of_version,
    problem_of,
)

MOST_LIMITS: Final = 20
LABELS: Final = {"soft_limit": gettext_noop("soft limit"), "hard_limit": gettext_noop("hard limit")}
_NUMBER: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,18})?", re.ASCII)


class Limits:
    name = "limits"
    proposer_roles = (Role.OPERATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        limits = change.get("limits") if isinstance(change, Mapping) and set(change) == {"limits"} else None
        if not isinstance(limits, Mapping) or not 1 <= len(limits) <= MOST_LIMITS:
            raise _bad()
        if not all(isinstance(part, str) for part in limits):
            raise _bad()
        return {"limits": {part: _canonical_values(part, values) for part, values in sorted(limits.items())}}

    def subject(self, change: Change) -> str:
        return f"limits:{','.join(sorted(change['limits']))}"[:200]

    def title(self, change: Change) -> str:
        parts = [f"{part}: {', '.join(values)}" for part, values in sorted(change["limits"].items())]
        return "; ".join(parts)[:200]

    def base(self, change: Change) -> Base:
        found = {part: limits_in_force(part) for part in change["limits"]}
        return {part: {"version": version, "hash": _hash(values)} for part, (version, values) in found.items()}

    def rule(self, change: Change) -> str:
        # By the class of the change, as parameters are.
        return "parameters"

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        parts = [part for part in change["limits"] if _is_known(part)]
        in_force = {part: limits_in_force(part)[1] for part in parts}
        before = {part: limits_before(part, policy.drift_window_s, now) for part in parts}
        return assess_limits(change, in_force, before)

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        rows: list[DiffRow] = []
        for part, values in sorted(change["limits"].items()):
            before = limits_of_version(part, base[part]["version"]) or {}
            rows += [_diff_row(part, name, before.get(name), values[name]) for name in FIELDS if name in values]
        return rows

    def markets(self, change: Change) -> tuple[str, ...]:
        """Every market of the asset; all of them where the desk's limit is meant."""
        keys = {key for scope, _colon, key in (part.partition(":") for part in change["limits"]) if scope != "desk"}
        found = Market.objects.order_by("slug")
        if not any(part.startswith("desk:") for part in change["limits"]):
            found = found.filter(base_id__in=keys)
        return tuple(found.values_list("slug", flat=True))

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        lock_limits(proposal.change["limits"])

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        author = LimitAuthor(applying.authorised_by, str(proposal.proposer_id), proposal.proposer_name, proposal.reason)
        for part, values in sorted(proposal.change["limits"].items()):
            complete = limits_in_force(part)[1] | {name: limit_of(text) for name, text in values.items()}
            try:
                apply_limit(part, complete, author, applying.now)
            except InvalidLimit as problem:
                raise ReviewRefused("invalid", f"{part}: {problem}") from problem


def limits_difference(part: str, version: int) -> dict[str, str]:
    """What would bring the limits of that name back to `version`. Raises `ReviewRefused` ("unknown_version")."""
    then = limits_of_version(part, version) if _is_known(part) else None
    if then is None:
        message = _("“%(market)s” has no version %(version)s.")
        raise ReviewRefused("unknown_version", message % {"market": part.replace("\x00", ""), "version": version})
    current = limits_in_force(part)[1]
    return {name: limit_text(value) for name, value in then.items() if value != current[name]}


def _canonical_values(part: str, values: Any) -> dict[str, str]:
    if not isinstance(values, Mapping) or not set(values) <= set(FIELDS):
        raise _bad()
    if not _is_known(part):
        message = _("“%(part)s” is no limit: write asset:<id> or desk:<quote asset> of an asset that there is.")
        raise ReviewRefused("unknown_limit", message % {"part": part.replace("\x00", "")[:60]})
    _version, current = limits_in_force(part)
    wanted: LimitValues = dict(current)
    for name, raw in values.items():
        if not isinstance(raw, str) or not (raw == NONE or _NUMBER.fullmatch(raw)):
            raise ReviewRefused(
                "invalid", _("“%(part)s”: a limit is a plain decimal number, or none.") % {"part": part}
            )
        wanted[name] = limit_of(raw)
    if problem_of(wanted):
        message = _(
            "“%(part)s”: set both limits or none; above 0, the soft one not above the hard one, neither above %(most)s."
        )
        raise ReviewRefused("invalid", message % {"part": part, "most": limit_text(LIMIT_MAX)})
    changed = {name: limit_text(wanted[name]) for name in FIELDS if wanted[name] != current[name]}
    if not changed:
        raise ReviewRefused("no_change", _("Nothing of “%(market)s” would change.") % {"market": part})
    return changed


def _is_known(part: str) -> bool:
    scope, _colon, key = part.partition(":")
    if "\x00" in part or scope not in ExposureLimit.Scope.values:
        return False
    return Asset.objects.filter(pk=key).exists()


def _hash(values: LimitValues) -> str:
    return digest({name: limit_text(value) for name, value in values.items()})


def _diff_row(part: str, name: str, before: Decimal | None, after: str) -> DiffRow:
    wide, value = Decimal("Infinity"), limit_of(after)
    is_wider = (wide if value is None else value) > (wide if before is None else before)
    unit = part.partition(":")[2].upper()
    bounds = ("0", limit_text(LIMIT_MAX))
    return DiffRow(
        part, name, LABELS[name], unit, limit_text(before), after, "riskier" if is_wider else "safer", bounds
    )


def _bad() -> ReviewRefused:
    return ReviewRefused("bad_change", _("Say which limits of which assets, or of the desk, change."))
