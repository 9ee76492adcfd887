"""A reading that the venue's request limit refuses is asked again after the pause that the venue names, not for ever."""

from __future__ import annotations

import pytest

from trading.ledger import venue_books
from trading.ledger.venue_books import MOST_PAUSES, patiently
from trading.venues.interface import RateLimited, VenueUnavailable


class Limited:
    """Refuses so many requests, then answers."""

    def __init__(self, refusals: int, problem: Exception) -> None:
        self.refusals, self.problem, self.asked = refusals, problem, 0

    async def read(self) -> str:
        self.asked += 1
        if self.asked <= self.refusals:
            raise self.problem
        return "told"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []

    async def sleep(pause_s: float) -> None:
        taken.append(pause_s)

    monkeypatch.setattr(venue_books.asyncio, "sleep", sleep)
    monkeypatch.setattr(venue_books.random, "uniform", lambda low, high: low)
    return taken


async def test_it_waits_as_long_as_the_venue_says(pauses: list[float]) -> None:
    venue = Limited(2, RateLimited("10 in 2 s", retry_after_s=1.5))
    assert await patiently(venue.read) == "told"
    assert (venue.asked, pauses) == (3, [1.5, 1.5])


async def test_a_venue_that_names_no_pause_or_an_endless_one_gets_ours(pauses: list[float]) -> None:
    assert await patiently(Limited(1, RateLimited("slow down")).read) == "told"
    assert await patiently(Limited(1, RateLimited("slow down", retry_after_s=3600.0)).read) == "told"
    assert pauses == [2.0, 10.0]


async def test_it_does_not_wait_for_ever(pauses: list[float]) -> None:
    venue = Limited(99, RateLimited("10 in 2 s", retry_after_s=1.0))
    with pytest.raises(RateLimited):
        await patiently(venue.read)
    assert (venue.asked, len(pauses)) == (7, MOST_PAUSES)


async def test_another_failure_is_told_at_once(pauses: list[float]) -> None:
    venue = Limited(1, VenueUnavailable("no connection"))
    with pytest.raises(VenueUnavailable):
        await patiently(venue.read)
    assert (venue.asked, pauses) == (1, [])
