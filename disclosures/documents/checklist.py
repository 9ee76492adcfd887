"""Which required documents are in force or to be reviewed, and what follows: the alarm, and the gate that trading may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction

from disclosures.documents.facts import freeze
from disclosures.documents.kinds import AGGREGATE, DocumentKind
from disclosures.documents.selectors import Shelf, shelves
from governance.review.transitions import SYSTEM
from trading.events.services import record
from trading.locks import lock_aggregates, lock_command
from trading.models import Event, NamedGate

GATE: Final = "disclosures"
MALDIVES: Final = ZoneInfo("Indian/Maldives")
# How long before its day a review is told of.
AHEAD: Final = timedelta(days=14)
MISSING, DUE, MOVED, FINE = "missing", "review_due", "facts_moved", "fine"
_EVENTS: Final = {MISSING: "disclosure.missing", DUE: "disclosure.review_due", MOVED: "disclosure.facts_moved"}
_IN_ORDER: Final = "disclosure.in_order"


@dataclass(frozen=True, slots=True)
class Item:
    """A required kind. `status`: missing (nothing in force), review_due (within 14 days or late), facts_moved (the system says
    something else now than the text), fine. `why`: never, withdrawn or expired where it is missing."""

    kind: DocumentKind
    shelf: Shelf
    status: str
    why: str
    review_due_on: date | None
    is_late: bool


def checklist(now: datetime) -> list[Item]:
    """Every required kind."""
    today = now.astimezone(MALDIVES).date()
    return [_item(shelf, today) for shelf in shelves(now)]


def set_gate(now: datetime) -> bool:
    """The named gate is open while nothing required is missing; in the caller's transaction. True if it is open.

    The database refuses to open it otherwise."""
    lock_command(f"gate:{GATE}")
    is_open = not [item for item in checklist(now) if item.status == MISSING]
    reason = "every required disclosure is published" if is_open else "a required disclosure is missing"
    gate = NamedGate.objects.select_for_update().filter(name=GATE).first()
    if gate is None:
        NamedGate.objects.create(name=GATE, is_open=is_open, reason=reason, changed_at=now, changed_by=SYSTEM.name)
    elif gate.is_open != is_open:
        gate.is_open, gate.reason, gate.changed_at, gate.changed_by = is_open, reason, now, SYSTEM.name
        gate.save(update_fields=["is_open", "reason", "changed_at", "changed_by"])
    return is_open


def check(now: datetime) -> list[str]:
    """Set the gate, and tell of each kind whose status is another than was told last; the events told."""
    told = []
    with transaction.atomic():
        set_gate(now)
        items = checklist(now)
        lock_aggregates(_aggregate(item) for item in items)
        for item in items:
            event = _EVENTS.get(item.status, _IN_ORDER)
            if event != _last_told(item):
                record(
                    _aggregate(item), event, _payload(item), actor_id=SYSTEM.id, actor_name=SYSTEM.name, occurred_at=now
                )
                told.append(f"{event}:{item.kind.slug}")
    return told


def _item(shelf: Shelf, today: date) -> Item:
    newest = shelf.newest
    if newest is None or not shelf.is_in_force:
        return Item(shelf.kind, shelf, MISSING, "never" if newest is None else newest.state, None, False)
    due = newest.row.review_due_on
    facts = newest.content["facts"]
    moved = MOVED if freeze(facts) != facts else FINE
    return Item(shelf.kind, shelf, DUE if due <= today + AHEAD else moved, "", due, due < today)


def _aggregate(item: Item) -> str:
    return f"{AGGREGATE}:{item.kind.slug}"


def _last_told(item: Item) -> str:
    """The last word of the checklist about it; a kind that was never told of is in order."""
    words = [*_EVENTS.values(), _IN_ORDER]
    found = Event.objects.filter(aggregate=_aggregate(item), type__in=words).order_by("-aggregate_seq").first()
    return _IN_ORDER if found is None else found.type


def _payload(item: Item) -> dict[str, Any]:
    due = item.review_due_on
    version = None if item.shelf.newest is None else item.shelf.newest.row.version
    return {
        "kind": item.kind.slug,
        "version": version,
        "why": item.why,
        "review_due_on": due.isoformat() if due else None,
    }
