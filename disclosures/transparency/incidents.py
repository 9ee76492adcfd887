"""Pauses, breakers and limits as the public sees them.

People's reasons are told as they wrote them. A rule's reason holds figures that would tell the inventory, so that only its code
is told; and as a limit tells where inventory is, all of it is told as late as inventory.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q

from disclosures.transparency.publication import Publication, publication_in_force
from disclosures.transparency.tables import Cell, PublicTable
from trading.market_status import iso
from trading.models import Event, Lock
from trading.risk.verdict import ReasonCode

MOST: Final = 500
INCIDENT_COLUMNS: Final = ("started_at", "kind", "scope", "state", "rule", "reason", "ended_at", "reason_of_end")
PERSON: Final = "person"
_CODES: Final = frozenset(code.value for code in ReasonCode)
_STATES: Final = ("ACTIVE", "REDUCING", "PAUSED", "HALTED")


def incidents(
    now: datetime, since: datetime | None = None, before: datetime | None = None, *, scopes: Sequence[str] = (),
    most: int | None = MOST, policy: Publication | None = None,
) -> PublicTable:  # fmt: skip
    """Newest first, at most `most` (None: all of them); with `since` and `before` the locks that stood and what people set
    between them; with `scopes` what was of these alone. `policy`: the one in force, where the caller has read it."""
    policy = policy or publication_in_force()
    until = policy.until(now)
    stood, done = (Q(scope__in=scopes), Q(payload__scope__in=list(scopes))) if scopes else (Q(), Q())
    if before is not None:
        stood, done = stood & Q(imposed_at__lt=before), done & Q(occurred_at__lt=before)
    if since is not None:
        stood &= Q(lifted_at__isnull=True) | Q(lifted_at__gte=since)
        stood &= Q(until__isnull=True) | Q(until__gte=since)
        done &= Q(occurred_at__gte=since)
    rows = [*_locks(until, stood, most), *_controls(until, done, most)]
    rows.sort(key=lambda row: (str(row[0]), str(row[2]), str(row[1])), reverse=True)
    source = "The desk's controls and locks."
    return PublicTable(
        "incidents", "incidents", source, INCIDENT_COLUMNS, rows[:most], policy, about={"until": iso(until)}
    )


def _locks(until: datetime, which: Q, most: int | None) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for lock in Lock.objects.filter(which, imposed_at__lte=until).order_by("-imposed_at")[:most]:
        by_person = lock.rule == PERSON
        ended = lock.lifted_at or (lock.until if lock.until and lock.until <= until else None)
        is_over = ended is not None and ended <= until
        rows.append(
            (
                iso(lock.imposed_at),
                "pause" if by_person else "breaker" if lock.rule == "breaker" else "rule",
                lock.scope,
                lock.state,
                lock.rule,
                lock.reason if by_person else _code(lock.reason),
                iso(ended) if is_over else None,
                lock.lift_reason if is_over and lock.lifted_at else "",
            )
        )
    return rows


def _code(reason: str) -> str:
    """The coded part of a rule's reason, which stands before its figures; empty where it is none."""
    code = reason.partition(":")[0].strip()
    return code if code in _CODES else ""


def _controls(until: datetime, which: Q, most: int | None) -> list[tuple[Cell, ...]]:
    """What people set. The end of one is the beginning of the next, which has a row of its own."""
    found = Event.objects.filter(which, type="control.changed", occurred_at__lte=until).order_by("-occurred_at")[:most]
    rows: list[tuple[Cell, ...]] = []
    for event in found:
        body = event.payload
        before, after = body.get("from"), body.get("to")
        if before is None or after not in _STATES:
            continue
        kind = "resume" if before in _STATES and _STATES.index(after) < _STATES.index(before) else "pause"
        reason = str(body.get("reason", ""))
        rows.append((iso(event.occurred_at), kind, str(body.get("scope", "")), after, PERSON, reason, None, ""))
    return rows
