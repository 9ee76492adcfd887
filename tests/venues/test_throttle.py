"""The throttle on a clock that only moves when something sleeps."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from trading.clock import FakeClock
from trading.venues.interface import NotSent, RejectReason, VenueError, VenueRejected, VenueUnavailable
from trading.venues.observation import Observer
from trading.venues.throttle import SLOWEST_PACE, Limit, Priority, Throttle


class Bench:
    """A throttle whose sleeps move its clock."""

    def __init__(self, limits: dict[str, Limit], **options: float) -> None:
        self.clock = FakeClock()
        self.started_s = self.clock.monotonic_s()
        self.throttled: list[str] = []
        self.throttle = Throttle(
            self.clock,
            limits,
            headroom=1.0,
            on_throttled=self.throttled.append,
            sleep=self._sleep,
            **options,
        )

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    def passed_s(self) -> float:
        return self.clock.monotonic_s() - self.started_s


async def test_a_burst_up_to_the_limit_passes_at_once_and_then_one_per_refill() -> None:
    bench = Bench({"place": Limit(4, 2.0)})
    for _ in range(4):
        await bench.throttle.acquire("place", "A", Priority.READ)
    assert bench.passed_s() == 0
    assert bench.throttled == []
    await bench.throttle.acquire("place", "A", Priority.READ)
    assert bench.passed_s() == pytest.approx(0.5)
    assert bench.throttled == ["place"]


async def test_scopes_and_classes_have_buckets_of_their_own_and_unknown_classes_are_free() -> None:
    bench = Bench({"place": Limit(1, 100.0), "cancel": Limit(1, 100.0)})
    await bench.throttle.acquire("place", "A")
    await bench.throttle.acquire("place", "B")
    await bench.throttle.acquire("cancel", "A")
    for _ in range(100):
        await bench.throttle.acquire("unlisted")
    assert bench.passed_s() == 0


async def test_cancels_overtake_new_orders_and_reads_in_a_shared_bucket() -> None:
    group = {"place": Limit(1, 0.1, "all"), "cancel": Limit(1, 0.1, "all"), "read": Limit(1, 0.1, "all")}
    bench = Bench(group)
    await bench.throttle.acquire("read")
    order: list[str] = []

    async def one(name: str, priority: Priority) -> None:
        await bench.throttle.acquire(name, "", priority)
        order.append(name)

    waiting = [("read", Priority.READ), ("place", Priority.NEW), ("cancel", Priority.CANCEL)]
    await asyncio.gather(*(one(name, priority) for name, priority in waiting))
    assert order == ["cancel", "place", "read"]
    assert bench.passed_s() == pytest.approx(0.3, abs=0.01)
    assert len(bench.throttled) == 3


async def test_a_new_order_that_would_wait_too_long_is_not_sent_at_all() -> None:
    bench = Bench({"place": Limit(1, 10.0)})
    await bench.throttle.acquire("place", "A", Priority.NEW)
    with pytest.raises(NotSent, match="would have to wait"):
        await bench.throttle.acquire("place", "A", Priority.NEW)
    assert bench.passed_s() == 0
    assert bench.throttled == ["place"]


async def test_a_429_stops_its_class_for_as_long_as_the_venue_said_and_halves_the_pace() -> None:
    bench = Bench({"place": Limit(10, 1.0), "cancel": Limit(10, 1.0)})
    bench.throttle.refused("place", "A", 0.4)
    assert bench.throttle.pace == 0.5
    await bench.throttle.acquire("cancel", "A", Priority.CANCEL)
    assert bench.passed_s() == 0
    await bench.throttle.acquire("place", "A", Priority.NEW)
    assert bench.passed_s() == pytest.approx(0.4)


async def test_slow_answers_lower_the_pace_to_a_floor_and_quick_ones_restore_it() -> None:
    bench = Bench({"place": Limit(10, 1.0)}, slow_answer_s=1.0)
    bench.throttle.answered(1.5)
    assert bench.throttle.pace == pytest.approx(0.8)
    for _ in range(50):
        bench.throttle.answered(2.0)
    assert bench.throttle.pace == SLOWEST_PACE
    for _ in range(10):
        await bench.throttle.acquire("place", "A", Priority.READ)
    await bench.throttle.acquire("place", "A", Priority.READ)
    assert bench.passed_s() == pytest.approx(0.1 / SLOWEST_PACE)
    for _ in range(60):
        bench.throttle.answered(0.01)
    assert bench.throttle.pace == 1.0


async def test_a_cancelled_waiter_takes_no_token_and_close_lets_nobody_wait() -> None:
    bench = Bench({"read": Limit(1, 1.0)})
    await bench.throttle.acquire("read")
    gone = asyncio.create_task(bench.throttle.acquire("read"))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    held = asyncio.create_task(bench.throttle.acquire("read", "", Priority.CANCEL))
    await asyncio.sleep(0)
    bench.throttle.close()
    result = (await asyncio.gather(held, return_exceptions=True))[0]
    assert result is None or isinstance(result, NotSent)


async def test_without_published_limits_nothing_is_throttled() -> None:
    bench = Bench({"place": Limit(1, 100.0)})
    bench.throttle.set_limits({})
    for _ in range(1000):
        await bench.throttle.acquire("place", "A", Priority.NEW)
    assert bench.throttled == []


async def test_slow_answers_and_failures_are_told_with_the_venue_and_not_over_and_over() -> None:
    clock = FakeClock()
    observer = Observer("dex", clock, Throttle(clock, {"read": Limit(10, 1.0)}))

    def asked(took_s: float, error: VenueError | None = None) -> None:
        with contextlib.suppress(VenueError), observer.request("fills", "read", ""):
            clock.advance(took_s)
            if error is not None:
                raise error

    with capture_logs() as told:
        asked(0.9)
        asked(1.1)
        asked(1.2)
        asked(0.1, VenueUnavailable("away"))
        asked(0.1, VenueRejected(RejectReason.POST_ONLY_WOULD_TAKE, "an ordinary refusal"))
        asked(9.0)
    assert [(one["event"], one["venue"], one["endpoint"]) for one in told] == [
        ("venue_answers_slowly", "dex", "fills"),
        ("venue_request_failed", "dex", "fills"),
        ("venue_answers_slowly", "dex", "fills"),
    ]
    assert told[0]["seconds"] == 1.1
