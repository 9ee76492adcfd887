"""The gate of the public socket over a database that fails or hangs: asked once, and waited for a bounded time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError

from disclosures.jurisdictions import sockets
from disclosures.jurisdictions.rules import Rules
from disclosures.jurisdictions.sockets import RulesUnread, refused_among


class Book:
    """Rules at will; how often they were read."""

    def __init__(self) -> None:
        self.read = 0
        self.problem: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.threads: set[str] = set()

    def __call__(self) -> Rules:
        self.read += 1
        self.threads.add(threading.current_thread().name)
        self.gate.wait(30)
        if self.problem is not None:
            raise self.problem
        return {}


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    made = Book()
    monkeypatch.setattr(sockets, "rules_in_force", made)
    monkeypatch.setattr(sockets, "close_old_connections", lambda: None)
    monkeypatch.setattr(sockets.connection, "close", lambda: None)
    sockets.forget_rules()
    yield made
    made.gate.set()
    sockets.forget_rules()


async def answer() -> str:
    try:
        return str(sorted(await refused_among([("MV",)])))
    except RulesUnread as problem:
        return str(problem)


async def test_without_any_rule_everybody_is_refused(book: Book) -> None:
    assert await refused_among([("MV",), ("",)]) == {("MV",), ("",)}
    assert {name.rpartition("_")[0] for name in book.threads} == {"socket-rules"}


async def test_a_thousand_newcomers_ask_a_database_that_is_away_once(book: Book) -> None:
    book.problem = OperationalError("gone")
    answers = await asyncio.gather(*(answer() for _ in range(1_000)))
    answers += [await answer() for _ in range(10)]
    assert set(answers) == {"OperationalError: gone"}
    assert book.read == 1


async def test_a_failure_is_forgotten_after_a_second(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    book.problem = OperationalError("gone")
    assert await answer() == "OperationalError: gone"
    book.problem = None
    monkeypatch.setattr(sockets, "KEPT_S", 0.0)
    assert await answer() == "[('MV',)]"


async def test_a_database_that_hangs_keeps_nobody_waiting_and_is_asked_once(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "READ_WITHIN_S", 0.1)
    book.gate.clear()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*(answer() for _ in range(100)))
        assert set(answers) == {"not read within 0.1 s"}
        assert await answer() == "not read within 0.1 s"
    assert book.read == 1
    book.gate.set()
    async with asyncio.timeout(5):
        while await answer() != "[('MV',)]":
            await asyncio.sleep(0.001)
    assert book.read == 1
