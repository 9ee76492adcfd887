"""The desk under attack, declared once for a file; what one test does to it is taken back before the next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import transaction

from tests.attacks.desk import Desk, attacked
from tests.attacks.held import hold


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: object) -> Iterator[psycopg.Connection]:
    """The owner's connection, with the desk declared in a transaction that is never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        with attacked() as found:
            yield found
        transaction.set_rollback(True)


@pytest.fixture
def desk(owner: psycopg.Connection, valkey: str) -> Iterator[Desk]:
    with transaction.atomic():
        found = Desk(owner)
        yield found
        transaction.set_rollback(True)
    if found.ahead:
        found.travel(timedelta(0) - found.ahead)


@pytest.fixture
def held(desk: Desk) -> dict[str, Any]:
    """A desk with something of every kind to attack, by name."""
    return hold(desk)
