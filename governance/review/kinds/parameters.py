"""Parameters of one market, or of several in one proposal: all of them change, or none does.

Change: {"markets": {slug: {parameter: value as plain decimal text}}}, only what differs from the version in force.
Base: {slug: {"version": n, "hash": hash of the values}}. Subject: parameters:<slug>[,<slug>...], in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.access.roles import Role
from governance.models import Proposal
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess
from governance.review.values import market_named, values_before, values_in_force, values_of_version
from trading.events.services import plain_decimal
from trading.locks import lock_parameter_sets
from trading.models import Market, ParameterSet
from trading.parameters.schema import BY_NAME, SCHEMA, ParameterSpec
from trading.parameters.services import InvalidParameters, apply_version
from trading.parameters.validation import ParameterError, parse_value, validate

MOST_MARKETS: Final = 20
DIRECTIONS: Final = {spec.name: spec.risk_direction.value for spec in SCHEMA}


class Parameters:
    name = "parameters"
    proposer_roles = (Role.OPERATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        markets = change.get("markets") if isinstance(change, Mapping) and set(change) == {"markets"} else None
        if not isinstance(markets, Mapping) or not 1 <= len(markets) <= MOST_MARKETS:
            raise ReviewRefused("bad_change", _("Say which parameters of which markets change."))
        return {"markets": {slug: _canonical_values(slug, values) for slug, values in sorted(markets.items())}}

    def subject(self, change: Change) -> str:
        return f"parameters:{','.join(sorted(change['markets']))}"

    def title(self, change: Change) -> str:
        parts = [f"{slug}: {', '.join(values)}" for slug, values in sorted(change["markets"].items())]
        return "; ".join(parts)[:200]

    def base(self, change: Change) -> Base:
        sets = ParameterSet.objects.filter(market__slug__in=list(change["markets"])).select_related("market")
        return {row.market.slug: {"version": row.version, "hash": row.values_hash} for row in sets}

    def rule(self, change: Change) -> str:
        return self.name

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        slugs = list(change["markets"])
        before = {slug: values_before(slug, policy.drift_window_s, now) for slug in slugs}
        return assess(self.name, change, {slug: values_in_force(slug) for slug in slugs}, before, policy, DIRECTIONS)

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        rows: list[DiffRow] = []
        for slug, values in sorted(change["markets"].items()):
            before = values_of_version(slug, base[slug]["version"])
            rows += diff_of_values(slug, before, {name: Decimal(value) for name, value in values.items()})
        return rows

    def markets(self, change: Change) -> tuple[str, ...]:
        return tuple(sorted(change["markets"]))

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        slugs = list(proposal.change["markets"])
        lock_parameter_sets(Market.objects.filter(slug__in=slugs).values_list("pk", flat=True))

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal = applying.proposal
        for slug, values in sorted(proposal.change["markets"].items()):
            complete = values_in_force(slug) | {name: Decimal(value) for name, value in values.items()}
            try:
                apply_version(
                    market_named(slug),
                    complete,
                    authorised_by=applying.authorised_by,
                    actor_id=str(proposal.proposer_id),
                    actor_name=proposal.proposer_name,
                    reason=proposal.reason,
                    now=applying.now,
                )
            except InvalidParameters as problem:
                raise ReviewRefused("invalid", f"{slug}: {problem}") from problem


def _canonical_values(slug: Any, values: Any) -> dict[str, str]:
    """What differs from the version in force, in the schema's order. Raises `ReviewRefused`."""
    if not isinstance(values, Mapping) or not isinstance(slug, str):
        raise ReviewRefused("bad_change", _("Say which parameters of which markets change."))
    market_named(slug)
    current = values_in_force(slug)
    errors: list[ParameterError] = []
    wanted: dict[str, Decimal] = {}
    for name, raw in values.items():
        if name not in BY_NAME or isinstance(raw, float):
            message = _("“%(name)s” is not a parameter, or its value is not exact text.") % {"name": name}
            raise ReviewRefused("bad_change", message)
        parsed = parse_value(BY_NAME[name], raw)
        if isinstance(parsed, ParameterError):
            errors.append(parsed)
        else:
            wanted[name] = Decimal(str(parsed))
    if not errors:
        errors += validate({**current, **wanted})
    if errors:
        raise ReviewRefused("invalid", "; ".join(f"{slug}: {error.message}" for error in errors))
    changed = {spec.name: plain_decimal(wanted[spec.name]) for spec in SCHEMA if _differs(spec, wanted, current)}
    if not changed:
        raise ReviewRefused("no_change", _("Nothing of “%(market)s” would change.") % {"market": slug})
    return changed


def _differs(spec: ParameterSpec, wanted: Mapping[str, Decimal], current: Mapping[str, Decimal]) -> bool:
    return spec.name in wanted and wanted[spec.name] != current[spec.name]


def diff_of_values(slug: str, before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> list[DiffRow]:
    """A row for each value of `after` that differs from `before`, in the schema's order."""
    return [
        _diff_row(slug, spec, before[spec.name], plain_decimal(after[spec.name]))
        for spec in SCHEMA
        if spec.name in after and after[spec.name] != before[spec.name]
    ]


def _diff_row(slug: str, spec: ParameterSpec, before: Decimal, after: str) -> DiffRow:
    sign = {"up_is_riskier": 1, "down_is_riskier": -1}.get(spec.risk_direction.value, 0)
    way = (Decimal(after) - before) * sign
    code = "either" if not sign else "riskier" if way > 0 else "safer"
    bounds = (plain_decimal(spec.minimum), plain_decimal(spec.maximum))
    return DiffRow(slug, spec.name, spec.label, spec.unit, plain_decimal(before), after, code, bounds)
