"""What PostgreSQL governs, as workers hold it: never too old, told at once, and one market's bad row is no other's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection

from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.models import Market, ParameterSet
from trading.parameters.services import apply_version, current_values
from trading.quoting import governed as governed_module
from trading.quoting.connections import Connections
from trading.quoting.parameter_watch import follow_parameters


def _apply(world: World, slug: str = DEX) -> ParameterSet:
    values = current_values(ParameterSet.objects.get(market__slug=slug)) | {"gamma": Decimal("0.0003")}
    try:
        return apply_version(
            Market.objects.get(slug=slug), values, authorised_by="genesis", actor_id="u", actor_name="U", reason="test",
            now=to_datetime(world.clock.now_ns()),
        )  # fmt: skip
    finally:
        connection.close()


async def _until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


@asynccontextmanager
async def _following(workers: list[Connections]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(follow_parameters(one, one.owner)) for one in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for one in workers:
            await one.close()


async def test_every_worker_hears_of_a_new_version_without_waiting_for_its_comparison(world: World) -> None:
    """No tick comes and no time passes: only the stream can have told."""
    workers = [world.worker("worker-1"), world.worker("worker-2")]

    def versions() -> list[int]:
        return [one.governed.governed(DEX).parameter_version for one in workers]

    async with _following(workers):
        await _until(lambda: len(world.redis.xinfo_groups(keys.PARAMETER_STREAM)) == 2, "both listen")
        await _until(lambda: versions() == [1, 1], "both read")
        row = await asyncio.to_thread(_apply, world)
        await _until(lambda: versions() == [2, 2], "both heard")
        *_, (_, told) = world.redis.xrange(keys.PARAMETER_STREAM)
        assert told == {b"market": DEX.encode(), b"version": b"2", b"hash": row.values_hash.encode()}
        # Redis lost its memory: the groups come back by themselves, and what may have been missed is read.
        world.redis.flushdb()
        await asyncio.to_thread(_apply, world)
        await _until(lambda: versions() == [3, 3], "both heard after the flush")


async def test_a_redis_that_is_away_costs_no_version(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from redis import ConnectionError as Away

    def away(_: object) -> None:
        raise Away("gone")

    monkeypatch.setattr("trading.parameters.announcing.announce_change", away)
    worker = world.worker()
    await worker.governed.refresh()
    await asyncio.to_thread(_apply, world)
    world.clock.advance(5.5)
    await worker.governed.refresh()
    assert worker.governed.governed(DEX).parameter_version == 2
    await worker.close()


async def test_parameters_read_longer_than_five_seconds_ago_do_not_count(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = world.worker()
    await worker.governed.refresh()
    run = worker.database.run

    async def states_only(function: Any, *args: Any) -> Any:
        if function is governed_module.load_rules:
            raise OperationalError("away")
        return await run(function, *args)

    monkeypatch.setattr(worker.database, "run", states_only)
    problems = []
    for _ in range(6):
        world.clock.advance(1)
        await worker.governed.refresh()
        problems.append(worker.governed.governed(DEX).problem)
    assert problems == ["", "", "", "", "", "controls_unknown"]
    await worker.close()


async def test_a_row_that_cannot_be_used_stops_its_own_market_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever reading one row raises."""
    bad = ParameterSet.objects.get(market__slug=DEX).pk
    good = current_values

    def broken(row: ParameterSet) -> dict[str, Decimal]:
        return {"gamma": Decimal("NaN")} if row.pk == bad else good(row)

    monkeypatch.setattr(governed_module, "current_values", broken)
    worker = world.worker()
    await worker.governed.refresh()
    assert worker.governed.governed(DEX).problem == "parameters_mismatch"
    assert worker.governed.governed(CEX).problem == ""
    assert worker.governed.governed(CEX).parameter_version == 1
    await worker.close()
