"""A process that stood still says so once, with how long."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from dcmm_portal.suspension import watch_suspension


class Clock:
    """Gives the listed times one after the other and then stops the watch."""

    def __init__(self, *times_s: float) -> None:
        self.times_s, self.stop = list(times_s), threading.Event()

    def __call__(self) -> float:
        if len(self.times_s) == 1:
            self.stop.set()
        return self.times_s.pop(0)


def test_a_gap_is_told_and_ordinary_lateness_is_not() -> None:
    clock = Clock(100.0, 100.5, 101.9, 109.9, 110.4)
    with capture_logs() as told:
        watch_suspension("relay", clock.stop, clock)
    assert [(one["event"], one["process"], one["seconds"]) for one in told] == [("process_stood_still", "relay", 8.0)]
