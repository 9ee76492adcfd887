"""A market and a limit that come while workers run: told at once, and one account's missing credential is no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection

from tests.quoting.test_governed import _following, _until
from tests.quoting.world import DEX, World
from trading.clock import Clock, to_datetime
from trading.hot_state import keys
from trading.models import ExposureLimit, TradingControl
from trading.parameters.limits import LimitAuthor, apply_limit
from trading.parameters.starting_values import STARTING_VALUES
from trading.registry.changes import RegistryAuthor, apply_registry
from trading.registry.selectors import MarketRef
from trading.risk.exposure import SharedLimit
from trading.venues.credentials import MissingCredential
from trading.venues.interface import Venue

NEW = {
    "account:new-desk": {"venue": "cex"},
    "market:moon-usdt": {
        "account": "new-desk", "base": "dct", "quote": "usdt", "venue_symbol": "MOON", "lot_size": "1000",
        "instrument": "spot", "contract_value": "1", "is_active": "true", "source_label": "",
    },
}  # fmt: skip


def _lower(world: World) -> None:
    author = LimitAuthor("genesis", "u", "U", "test")
    try:
        apply_limit(
            "asset:dct", {"soft_limit": Decimal(1), "hard_limit": Decimal(2)}, author, to_datetime(world.clock.now_ns())
        )
    finally:
        connection.close()


async def test_every_worker_hears_of_a_lower_limit_at_once(world: World) -> None:
    """No tick comes and no time passes: only the stream can have told."""
    workers = [world.worker("worker-1"), world.worker("worker-2")]

    def hard() -> list[Decimal | None]:
        found: list[SharedLimit | None] = [one.governed.shared_limits("dct")[0] for one in workers]
        return [None if one is None else one.hard for one in found]

    async with _following(workers):
        await _until(lambda: len(world.redis.xinfo_groups(keys.PARAMETER_STREAM)) == 2, "both listen")
        await _until(lambda: hard() == [50_000, 50_000], "both read")
        await asyncio.to_thread(_lower, world)
        await _until(lambda: hard() == [2, 2], "both heard")
    assert ExposureLimit.history.filter(key="dct").count() == 2


async def test_a_new_market_without_a_credential_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resumed already, so that only its venue keeps it from quoting."""
    world.ready()
    worker = world.worker()
    known, now = worker.open_venue, to_datetime(world.clock.now_ns())

    def opened(markets: Sequence[MarketRef], account: str, clock: Clock) -> Venue:
        if account == "new-desk":
            raise MissingCredential("account new-desk has no credential: set VENUE_NEW_DESK_KEY_ID")
        return known(markets, account, clock)

    def resumed(scope: str, *, actor_id: str, actor_name: str, now: datetime) -> None:
        who = {"actor_id": actor_id, "actor_name": actor_name, "changed_at": now}
        TradingControl.objects.create(scope=scope, state="ACTIVE", reason="test", **who)

    worker.open_venue = opened
    monkeypatch.setattr("trading.registry.changes.begin_halted", resumed)
    await world.tick(worker)
    values = {"moon-usdt": STARTING_VALUES[DEX].values}
    apply_registry(NEW, values, RegistryAuthor("genesis", "u", "U", "test"), now)
    found: dict[str, str] = {}
    async with asyncio.timeout(60):
        while "moon-usdt" not in found:
            found = await world.tick(worker)
    assert len(world.dex.resting()) == 2 and len(world.cex.resting()) == 2
    assert (found["moon-usdt"], world.status("moon-usdt").reason) == ("error", "venue_unavailable")
    await worker.close()
