"""The hub of the public sockets in trouble: a database that hangs, tasks that do not end, sockets that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from django.db import OperationalError

from dcmm_portal.live_sockets.outlet import Prepared
from disclosures.live import hub as hub_module
from tests.live.parts import SLUGS, Stage, settled, told
from tests.live.test_hub import no_pauses, stage

__all__ = ["no_pauses", "stage"]
pytestmark = pytest.mark.usefixtures("no_pauses")


# A database that hangs, tasks that do not end, sockets that fail


async def test_a_rule_book_that_hangs_does_not_hold_up_the_pings(stage: Stage) -> None:
    asked, gate = [], asyncio.Event()

    async def hanging(places: object) -> frozenset[tuple[str, ...]]:
        asked.append(1)
        await gate.wait()
        return frozenset()

    stage.hub._refused = hanging
    _, outlet = await stage.joined()
    for _ in range(3):
        stage.clock.advance(5.0)
        await asyncio.wait_for(stage.hub.look(), 1)
        await settled(5)
    assert outlet.kinds.count(("ping", None)) == 3
    assert asked == [1]
    # Nor does it outlive the run.
    hanging_task = stage.hub._aside["rules"]
    await stage.hub.close()
    assert hanging_task.done()


async def test_a_swallowed_cancel_leaves_nothing_running(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = asyncio.Queue[dict[str, object]]()

    async def deaf_to_cancel() -> AsyncIterator[dict[str, object]]:
        while True:
            try:
                yield await heard.get()
            except asyncio.CancelledError:
                continue

    stage.hub._listen = deaf_to_cancel
    monkeypatch.setattr(hub_module, "STOP_WITHIN_S", 0.05)
    others = asyncio.all_tasks()
    await stage.joined()
    hearing = next(task for task in asyncio.all_tasks() - others if "_hear" in repr(task.get_coro()))
    executor = stage.hub._executor
    await asyncio.wait_for(stage.hub.close(), 2)
    assert executor is not None and executor._shutdown
    heard.put_nowait(told())
    await asyncio.wait([hearing], timeout=2)
    assert hearing.done() and not stage.hub._waiting


async def test_visitors_one_at_a_time_share_one_subscription(stage: Stage) -> None:
    for _ in range(50):
        listener, _ = await stage.joined()
        stage.hub.leave(listener)
        await settled(1)
    assert (stage.subscriptions, stage.readings) == (1, 1)


async def test_a_database_away_is_asked_no_sooner_because_visitors_come_and_go(stage: Stage) -> None:
    stage.problem = OperationalError("gone")
    for _ in range(5):
        _, outlet = await stage.joined()
        await stage.hub.close()
        stage.hub._listeners.clear()
    assert stage.readings == 1
    # Who comes meanwhile is told all the same.
    assert outlet.told == [{"type": "state", "market": None, "state": "old"}]


async def test_nothing_of_the_last_run_is_told_in_the_next(stage: Stage) -> None:
    await stage.joined()
    await stage.push(told(mid="0.26"))
    await stage.hub.close()
    stage.hub._listeners.clear()
    stage.problem = OperationalError("gone")
    _, outlet = await stage.joined()
    assert [message["type"] for message in outlet.told] == ["state"]


async def test_a_socket_that_fails_is_the_trouble_of_nobody_else(stage: Stage) -> None:
    _, first = await stage.joined()
    _, second = await stage.joined()

    def broken(*anything: object) -> bool:
        raise RuntimeError("broken")

    first.write = first.drop = broken
    await stage.push(told(mid="0.26"))
    await stage.push(ConnectionError("gone"))
    assert second.kinds[2:] == [("market", SLUGS[0]), ("state", None)]
    assert stage.subscriptions == 2
    stage.clock.advance(10.0)
    assert stage.hub.drop_slow() == 1
    assert len(stage.hub._listeners) == 1


async def test_a_look_that_fails_is_not_the_last(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "LOOK_EVERY_S", 0.001)
    looked: list[int] = []

    def failing() -> int:
        looked.append(1)
        raise RuntimeError("broken")

    stage.hub.drop_slow = failing
    await stage.joined()
    await settled()
    assert len(looked) > 2


async def test_what_is_owed_stays_owed_until_all_was_told(stage: Stage) -> None:
    _, outlet = await stage.joined()
    real, told_of = stage.hub._fan_out, []

    async def losing_a_market(message: Prepared) -> None:
        told_of.append(message.key)
        if len(told_of) == 1:
            # As a reading meanwhile does that finds the market gone.
            del stage.hub._forms[SLUGS[1]]
        await real(message)

    stage.hub._fan_out = losing_a_market
    stage.hub._owes_all = True
    stage.inbox.put_nowait(told(mid="0.29"))
    await settled()
    assert [message["status"]["mid"] for message in outlet.told[2:]] == ["0.25", "0.29"]

    async def failing(message: Prepared) -> None:
        raise RuntimeError("broken")

    stage.hub._fan_out = failing
    stage.hub._owes_all = True
    await stage.push(told(mid="0.3"))
    assert stage.hub._owes_all


async def test_who_is_slow_but_takes_something_all_the_time_stays(stage: Stage) -> None:
    listener, outlet = await stage.joined()
    outlet.is_full = True
    await stage.push(told(mid="0.26"))
    for number in range(5):
        await stage.push(told(SLUGS[number % 2], mid=f"0.3{number}"))
        stage.clock.advance(6.0)
        taken = iter([True, False])
        outlet.write = lambda message, taken=taken: next(taken)
        await stage.push(told(SLUGS[(number + 1) % 2], mid=f"0.4{number}"))
        outlet.retry()
        assert listener.waiting > 0
        assert stage.hub.drop_slow() == 0
        outlet.write = lambda message: False
    stage.clock.advance(10.0)
    assert stage.hub.drop_slow() == 1
