"""The schedule, and that Celery's doors call what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dcmm_portal.celery import app
from governance.models import Proposal
from governance.tasks import apply_due, expire, review_overdue
from tests.review.desk import DEX, SAFER, Desk, force_version, in_force, state
from trading.controls.commands import Actor
from trading.controls.services import kill
from trading.models import Event


def test_beat_sends_them_to_the_housekeeping_queue() -> None:
    entries = {entry["task"]: entry for entry in app.conf.beat_schedule.values()}
    every = {name: entries[name]["schedule"] for name in entries if name.startswith("governance.")}
    assert every == {
        "governance.apply_due": 2.0,
        "governance.deliver": 10.0,
        "governance.expire": 60.0,
        "governance.review_overdue": 60.0,
    }
    assert all(entries[name]["options"] == {"queue": "housekeeping", "expires": every[name]} for name in every)


def test_the_tasks_do_it_at_the_machine_s_time(desk: Desk) -> None:
    desk.at(datetime.now(UTC) - timedelta(days=15))
    late = desk.in_review()
    reduced = desk.propose({"markets": {"gram-usdt-cex": {"spread_floor_bps": "9"}}}, apply_at_once=True)
    desk.at(datetime.now(UTC) - timedelta(hours=2))
    due = desk.approved({"markets": {DEX: {"order_size_lots": "2"}}})
    desk.at(datetime.now(UTC))
    apply_due()
    expire()
    assert (state(due), state(late), in_force(DEX, "order_size_lots")) == ("APPLIED", "EXPIRED", "2")
    force_version(DEX, {"spread_floor_bps": "4"}, desk.now)
    oscar = Actor(str(desk.people["oscar"].pk), "oscar", frozenset({"operator"}))
    kill(DEX, actor=oscar, reason="emergency", idempotency_key="halt", now=datetime.now(UTC))
    review_overdue()
    assert Event.objects.get(type="proposal.review_overdue").payload["proposal"] == reduced.pk
    assert Proposal.objects.filter(rolls_back_to__isnull=False, proposer_name="oscar").count() == 1


def test_the_hash_of_every_part_is_in_the_events(desk: Desk) -> None:
    proposal = desk.propose(SAFER, apply_at_once=True)
    for event in Event.objects.filter(aggregate=f"proposal:{proposal.pk}"):
        assert event.payload["content_hash"] == proposal.content_hash
