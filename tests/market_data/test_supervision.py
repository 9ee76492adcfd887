"""Children that fail are started again, with growing pauses, and stop when told."""

from __future__ import annotations

import asyncio

import pytest

from trading.clock import FakeClock
from trading.market_data.problems import BookBehind, FeedProblem, problem_of
from trading.market_data.supervision import Backoff, keep_running
from trading.venues.credentials import MissingCredential
from trading.venues.interface import AuthRejected, RateLimited, RejectReason, VenueRejected, VenueUnavailable


@pytest.mark.parametrize(
    ("failures", "pause_s"), [(0, 0.25), (1, 0.5), (3, 2.0), (6, 15.0), (500, 15.0)]
)  # fmt: skip
def test_pauses_double_up_to_the_longest(failures: int, pause_s: float) -> None:
    assert Backoff().pause_s(failures) == pause_s


class Child:
    """Fails as often as told, living `lives_s` each time, then waits for ever."""

    def __init__(self, clock: FakeClock, failures: int, lives_s: float = 0.0) -> None:
        self.clock, self.failures, self.lives_s = clock, failures, lives_s
        self.started = 0
        self.waiting = asyncio.Event()

    async def __call__(self) -> None:
        self.started += 1
        self.clock.advance(self.lives_s)
        if self.started <= self.failures:
            raise VenueUnavailable(f"failure {self.started}")
        self.waiting.set()
        await asyncio.sleep(3600)


async def supervise(child: Child, backoff: Backoff) -> tuple[list[str], asyncio.Task[None], asyncio.Event]:
    told: list[str] = []
    stop = asyncio.Event()
    task = asyncio.create_task(
        keep_running(
            "child",
            child,
            stop=stop,
            clock=child.clock,
            backoff=backoff,
            on_failure=lambda error: told.append(str(error)),
        )
    )
    async with asyncio.timeout(5):
        await child.waiting.wait()
    return told, task, stop


async def test_every_failure_is_told_and_followed_by_a_restart() -> None:
    child = Child(FakeClock(), failures=3)
    told, task, _ = await supervise(child, Backoff(first_s=0.001, longest_s=0.002))
    assert told == ["failure 1", "failure 2", "failure 3"]
    assert child.started == 4
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_long_life_is_followed_by_a_short_pause() -> None:
    class Told(Backoff):
        """Remembers what it was asked."""

        asked: list[int] = []

        def pause_s(self, failures: int) -> float:
            Told.asked.append(failures)
            return 0.0

    _, task, _ = await supervise(Child(FakeClock(), 3), Told())
    assert Told.asked == [0, 1, 2]
    task.cancel()
    Told.asked.clear()
    _, task, _ = await supervise(Child(FakeClock(), 3, lives_s=31.0), Told())
    assert Told.asked == [0, 0, 0]
    task.cancel()


async def test_a_cancellation_that_a_library_swallows_is_repeated() -> None:
    swallowed = 0
    waiting = asyncio.Event()

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                waiting.set()
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > 1:
                    raise

    task = asyncio.create_task(
        keep_running(
            "stubborn",
            stubborn,
            stop=asyncio.Event(),
            clock=FakeClock(),
            backoff=Backoff(),
            on_failure=lambda error: None,
        )
    )
    await waiting.wait()
    task.cancel()
    async with asyncio.timeout(3):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert swallowed == 2


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (None, FeedProblem.DISCONNECTED),
        (VenueUnavailable("x"), FeedProblem.DISCONNECTED),
        (ConnectionResetError(), FeedProblem.DISCONNECTED),
        (AuthRejected("x"), FeedProblem.AUTH_REJECTED),
        (RateLimited("x", 1.0), FeedProblem.RATE_LIMITED),
        (VenueRejected(RejectReason.UNKNOWN_MARKET, "x"), FeedProblem.UNKNOWN_MARKET),
        (MissingCredential("x"), FeedProblem.NOT_CONFIGURED),
        (BookBehind("x"), FeedProblem.STALE_BOOK),
        (ExceptionGroup("group", [ExceptionGroup("inner", [AuthRejected("x")])]), FeedProblem.AUTH_REJECTED),
        (KeyError("never seen before"), FeedProblem.UNEXPECTED_ANSWER),
    ],
)
def test_every_failure_has_a_code(error: Exception | None, problem: FeedProblem) -> None:
    assert problem_of(error) is problem
