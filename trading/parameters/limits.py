"""Limits of an asset and of the desk: reading them, and applying a version, of which this is the only writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from trading.events.services import plain_decimal, record
from trading.locks import lock_limits
from trading.models import ExposureLimit
from trading.models.parameters import LIMIT_MAX
from trading.parameters.announcing import announce
from trading.risk.exposure import SharedLimit

FIELDS: Final = ("soft_limit", "hard_limit")
# What stands in the place of a limit that is not there.
NONE: Final = "none"
PLACES: Final = 18
# Both limits of one scope, None where none stands.
LimitValues = dict[str, Decimal | None]
UNLIMITED: Final[LimitValues] = {"soft_limit": None, "hard_limit": None}


class InvalidLimit(Exception):
    """The limits were refused; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class LimitAuthor:
    """What allowed a version, and who proposed it."""

    authorised_by: str
    actor_id: str
    actor_name: str
    reason: str


def shared_limits() -> tuple[dict[str, SharedLimit], SharedLimit | None]:
    """Limits by asset (base units), and the desk's (quote units, the strictest); None: none is set."""
    rows = {str(row): row_values(row) for row in ExposureLimit.objects.all()}
    return limits_of(rows)


def limits_of(values: Mapping[str, LimitValues]) -> tuple[dict[str, SharedLimit], SharedLimit | None]:
    """The same of given values by name ("asset:dct", "desk:usdt")."""
    assets: dict[str, SharedLimit] = {}
    desk: list[SharedLimit] = []
    for part, both in values.items():
        soft, hard = both["soft_limit"], both["hard_limit"]
        if soft is None or hard is None:
            continue
        scope, _colon, key = part.partition(":")
        if scope == ExposureLimit.Scope.DESK:
            desk.append(SharedLimit(soft, hard))
        else:
            assets[key] = SharedLimit(soft, hard)
    return assets, min(desk, key=lambda limit: limit.hard) if desk else None


def row_values(row: ExposureLimit) -> LimitValues:
    """The limits of a row (or of one of its history rows) by name."""
    return {name: getattr(row, name) for name in FIELDS}


def limits_in_force(part: str) -> tuple[int, LimitValues]:
    """Version and values of the limits of that name; 0 and no limit where none was ever set."""
    scope, _colon, key = part.partition(":")
    row = ExposureLimit.objects.filter(scope=scope, key=key).first()
    return (0, dict(UNLIMITED)) if row is None else (row.version, row_values(row))


def limits_of_version(part: str, version: int) -> LimitValues | None:
    """Version 0 is that none was set; None where there is no such version."""
    scope, _colon, key = part.partition(":")
    found = ExposureLimit.history.filter(scope=scope, key=key, version=version).first()
    if found is None:
        return dict(UNLIMITED) if version == 0 else None
    return row_values(found)


def limits_before(part: str, window_s: int, now: datetime) -> LimitValues:
    """What was in force `window_s` ago; no limit where none was set yet."""
    scope, _colon, key = part.partition(":")
    history = ExposureLimit.history.filter(scope=scope, key=key)
    found = history.filter(applied_at__lte=now - timedelta(seconds=window_s)).order_by("-version").first()
    found = found or history.filter(authorised_by="genesis").first()
    return dict(UNLIMITED) if found is None else row_values(found)


def problem_of(values: LimitValues) -> str:
    """Why these two may not stand together or alone; "" where they may."""
    soft, hard = values["soft_limit"], values["hard_limit"]
    if soft is None and hard is None:
        return ""
    if soft is None or hard is None:
        return "one limit alone: set both, or none"
    if not 0 < soft <= hard <= LIMIT_MAX:
        return (
            f"limits must be above 0, the soft one not above the hard one, and neither above {plain_decimal(LIMIT_MAX)}"
        )
    return ""


def apply_limit(part: str, values: LimitValues, author: LimitAuthor, now: datetime) -> ExposureLimit:
    """Make `values` the next version of the limits of that name: row, history row and event in one transaction.

    Whether what `author` names truly allowed it is for the caller and the database. Raises `InvalidLimit`.
    """
    if problem := problem_of(values):
        raise InvalidLimit(problem)
    scope, _colon, key = part.partition(":")
    with transaction.atomic():
        rows = lock_limits([part])
        row = rows[0] if rows else ExposureLimit(scope=scope, key=key, version=0)
        before = row_values(row) if rows else UNLIMITED
        changed = {
            name: {"from": limit_text(before[name]), "to": limit_text(value)}
            for name, value in values.items()
            if before[name] != value
        }
        row.soft_limit, row.hard_limit, row.version = values["soft_limit"], values["hard_limit"], row.version + 1
        row.reason, row.authorised_by = author.reason, author.authorised_by
        row.actor_id, row.actor_name, row.applied_at = author.actor_id, author.actor_name, now
        row.save()
        record(
            f"limit:{part}",
            "limit.applied",
            {"limit": part, "version": row.version, "changed": changed, "reason": author.reason,
             "authorised_by": author.authorised_by},
            actor_id=author.actor_id,
            actor_name=author.actor_name,
            occurred_at=now,
        )  # fmt: skip
        announce(part, row.version, "")
    return row


def limit_text(value: Decimal | None) -> str:
    """A limit as a change writes it."""
    return NONE if value is None else plain_decimal(value)


def limit_of(text: str) -> Decimal | None:
    """The limit that such a text says; None: none stands. Raises `InvalidOperation` for what is neither."""
    return None if text == NONE else Decimal(text)
