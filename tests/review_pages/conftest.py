"""The desk of tests/review behind its doors: everybody signed in with an authenticator app, at the real time of day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from tests.pages import stage
from tests.review.clock import database_time_kept
from tests.review.desk import Desk, open_desk


@pytest.fixture
def desk(db: None, redis_url: str) -> Iterator[Desk]:
    cache.clear()
    with database_time_kept():
        yield open_desk()


@pytest.fixture
def clock(desk: Desk) -> Iterator[Callable[..., None]]:
    """Doors ask for the time: it is the desk's, and moves with it."""
    with time_machine.travel(desk.now, tick=False) as traveller:

        def forward(**delta: float) -> None:
            desk.forward(**delta)
            traveller.move_to(desk.now)

        yield forward


@pytest.fixture
def door(desk: Desk, clock: object) -> Callable[[str], Client]:
    """A signed-in browser of one of the desk's people."""
    found: dict[str, Client] = {}

    def enter(name: str) -> Client:
        if name not in found:
            found[name] = Client()
            stage.sign_in(found[name], desk.people[name])
        return found[name]

    return enter


@pytest.fixture
def code_of(desk: Desk) -> Callable[[str], str]:
    """A fresh code of a person's app, which is enrolled the first time it is asked for."""

    def code(name: str) -> str:
        person = desk.people[name]
        if not person.totp_devices.exists() if hasattr(person, "totp_devices") else True:
            from governance.models import TotpDevice

            if not TotpDevice.objects.filter(person=person).exists():
                stage.enrol(person)
        return stage.next_code(person)

    return code


__all__ = ["UTC", "datetime", "timedelta"]
