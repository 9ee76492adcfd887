"""Applying a version of a market's parameters: the only writer of `ParameterSet`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from trading.events.services import record
from trading.locks import lock_parameter_sets
from trading.models import Market, ParameterSet
from trading.parameters.announcing import announce
from trading.parameters.schema import SCHEMA
from trading.parameters.validation import ParameterError, validate


class InvalidParameters(Exception):
    """The values were refused; `errors` says why, each by parameter. Nothing was changed."""

    def __init__(self, errors: tuple[ParameterError, ...]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def values_hash(values: Mapping[str, Decimal]) -> str:
    """SHA-256 over the values in the schema's order, each in its shortest exact form."""
    body = json.dumps({spec.name: format(values[spec.name].normalize(), "f") for spec in SCHEMA}, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def current_values(parameter_set: ParameterSet) -> dict[str, Decimal]:
    """The values of a set (or of one of its history rows) by parameter name."""
    return {spec.name: getattr(parameter_set, spec.name) for spec in SCHEMA}


def apply_version(
    market: Market,
    values: Mapping[str, Any],
    *,
    authorised_by: str,
    actor_id: str,
    actor_name: str,
    reason: str,
    now: datetime,
) -> ParameterSet:
    """Make `values` (complete, by parameter name) the market's next version: set, history row and event in one transaction.

    `authorised_by` names what allowed it (a proposal, or "genesis"); whether it truly did is for the caller and the database.
    Raises `InvalidParameters`.
    """
    if not reason.strip():
        raise ValueError("a version of parameters needs a reason")
    errors = validate(values)
    if errors:
        raise InvalidParameters(tuple(errors))
    exact = {spec.name: Decimal(str(values[spec.name])) for spec in SCHEMA}
    with transaction.atomic():
        rows = lock_parameter_sets([market.pk])
        row = rows[0] if rows else ParameterSet(market=market, version=0)
        changed = _changed(row, exact)
        for name, value in exact.items():
            setattr(row, name, value)
        row.version += 1
        row.values_hash = values_hash(exact)
        row.reason, row.authorised_by = reason, authorised_by
        row.actor_id, row.actor_name, row.applied_at = actor_id, actor_name, now
        row.save()
        _tell(row, market.slug, changed)
    return row


def _changed(row: ParameterSet, exact: Mapping[str, Decimal]) -> dict[str, dict[str, str | None]]:
    """What differs from the version in force, by parameter; all of it where there is none yet."""
    before = {} if row.version == 0 else current_values(row)
    return {
        name: {"from": str(before[name]) if name in before else None, "to": str(value)}
        for name, value in exact.items()
        if before.get(name) != value
    }


def _tell(row: ParameterSet, slug: str, changed: Mapping[str, Mapping[str, str | None]]) -> None:
    """The event, within the transaction; the workers, when it has committed."""
    record(
        f"parameters:{slug}",
        "parameters.applied",
        {"market": slug, "version": row.version, "hash": row.values_hash, "changed": changed,
         "reason": row.reason, "authorised_by": row.authorised_by},
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        occurred_at=row.applied_at,
    )  # fmt: skip
    announce(slug, row.version, row.values_hash)
