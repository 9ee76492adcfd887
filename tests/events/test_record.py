"""Events: recorded with the change, numbered per aggregate, stored as plain JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from trading.events.services import EventDraft, NotInTransaction, plain, record, record_many
from trading.models import Event, OutboxEntry

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_numbers_rise_within_an_aggregate_and_each_event_waits_in_the_outbox() -> None:
    first = record("market:a", "x", {"n": 1}, occurred_at=NOW)
    other = record("market:b", "x", {}, occurred_at=NOW)
    second, third = record_many([EventDraft("market:a", "y", {}, NOW), EventDraft("market:a", "z", {}, NOW)])
    assert [first.aggregate_seq, other.aggregate_seq, second.aggregate_seq, third.aggregate_seq] == [1, 1, 2, 3]
    assert set(OutboxEntry.objects.values_list("event_id", flat=True)) == {first.id, other.id, second.id, third.id}
    assert first.id < second.id < third.id


def test_outside_a_transaction_it_is_refused(committed_db: None) -> None:
    with pytest.raises(NotInTransaction):
        record("market:a", "x", {}, occurred_at=NOW)
    assert Event.objects.count() == 0


def test_a_rolled_back_change_leaves_no_event_and_no_gap(committed_db: None) -> None:
    with pytest.raises(ValueError, match="undo"), transaction.atomic():
        record("market:a", "x", {}, occurred_at=NOW)
        raise ValueError("undo")
    with transaction.atomic():
        kept = record("market:a", "x", {}, occurred_at=NOW)
    assert (Event.objects.count(), OutboxEntry.objects.count(), kept.aggregate_seq) == (1, 1, 1)


@pytest.mark.django_db
def test_money_and_times_are_stored_readably() -> None:
    event = record("market:a", "x", {"price": Decimal("0.2690"), "big": Decimal("1E+3"), "at": NOW}, occurred_at=NOW)
    event.refresh_from_db()
    assert event.payload == {"price": "0.269", "big": "1000", "at": "2026-01-01T12:00:00+00:00"}


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes"):
        plain({"body": b"x"})
