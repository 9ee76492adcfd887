"""Beat's schedule: once a slot, on the grid, also below a second; kept in a file."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
import time_machine
from celery.schedules import crontab

from dcmm_portal.celery import app
from trading.quoting.grid import GridSchedule


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(1_767_225_600 + seconds, UTC)


@pytest.mark.parametrize("tick_s", [1.0, 0.1, 0.5, 5.0])
def test_due_once_in_each_slot(tick_s: float) -> None:
    schedule = GridSchedule(tick_s)
    runs, last, step = 0, at(0), tick_s / 10
    for number in range(1, 201):
        with time_machine.travel(at(number * step + step / 3), tick=False):
            is_due, again_s = schedule.is_due(last)
            assert 0 < again_s <= tick_s + 0.02
            if is_due:
                runs, last = runs + 1, at(number * step + step / 3)
    assert runs == 20


def test_a_missed_slot_is_not_made_up_for() -> None:
    schedule = GridSchedule(1.0)
    with time_machine.travel(at(7.2), tick=False):
        assert schedule.is_due(at(0)).is_due
        assert not schedule.is_due(at(7.1)).is_due
        assert schedule.is_due(at(7.1)).next == pytest.approx(0.8 + 0.011)


def test_a_clock_that_was_put_back_does_not_stop_the_beat() -> None:
    """The last run then lies ahead by as much as the clock was wrong."""
    schedule = GridSchedule(1.0)
    with time_machine.travel(at(7.2), tick=False):
        assert schedule.is_due(at(3600)).is_due
        assert not schedule.is_due(at(8.1)).is_due, "a hair early, as a beat on another machine may be"


@pytest.mark.parametrize("tick_s", [0, 0.01, -1, 5000])
def test_a_tick_out_of_bounds_is_refused(tick_s: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        GridSchedule(tick_s)


def test_the_schedule_file_can_keep_every_entry_and_none_is_of_zero_seconds() -> None:
    for name, entry in app.conf.beat_schedule.items():
        kept = pickle.loads(pickle.dumps(entry))
        assert kept["schedule"] == entry["schedule"], name
        every = entry["schedule"]
        # A time of day has no length.
        assert isinstance(every, crontab) or (every.tick_s if isinstance(every, GridSchedule) else every) > 0
    args = app.conf.beat_schedule["quote-0"]["args"]
    assert isinstance(pickle.loads(pickle.dumps(args[1]))(), int)
