"""The desk of tests/review behind its doors: people signed in, with an authenticator app, at the desk's own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from tests.pages import stage
from tests.review.clock import database_time_kept
from tests.review.desk import Desk, key, open_desk


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[Desk]:
    cache.clear()
    with database_time_kept():
        desk = open_desk()
        # Before anything is proposed: whoever enrols afterwards does not vote on it.
        for person in desk.people.values():
            stage.enrol(person)
        yield desk


@pytest.fixture
def clock(desk: Desk) -> Iterator[Callable[..., None]]:
    """Doors ask for the time: it is the desk's, which this moves on for them too."""
    with time_machine.travel(desk.now, tick=False) as traveller:

        def forward(**delta: float) -> None:
            desk.forward(**delta)
            traveller.move_to(desk.now)

        yield forward


@pytest.fixture
def door(desk: Desk, clock: object) -> Callable[[str], Client]:
    """The browser of one of the desk's people, signed in now."""

    def enter(name: str) -> Client:
        return stage.sign_in(Client(), desk.people[name])

    return enter


@pytest.fixture
def code_of(desk: Desk, clock: Callable[..., None]) -> Callable[[str], str]:
    """A fresh code of a person's app."""

    def code(name: str) -> str:
        clock(seconds=30)
        return stage.next_code(desk.people[name])

    return code


@pytest.fixture
def send(door: Callable[[str], Client]) -> Callable[..., object]:
    """Send a form of review as somebody, with a key of its own; the page that follows."""

    def post(name: str, address: str, **data: object) -> object:
        return door(name).post(f"/desk/review/{address}", {"idempotency_key": key(), **data}, follow=True)

    return post
