"""The kill switch: gate first, orders after; the watchdog's word or one's own hands; nobody places after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.quoting.world import CEX, DEX, World
from trading.controls.commands import Actor
from trading.controls.kill import KillResult, MarketCleared, kill_switch
from trading.controls.services import ControlRefused
from trading.hot_state import keys
from trading.hot_state.clearing import Cleared
from trading.hot_state.codec import encode
from trading.models import Order, TradingControl
from trading.registry.selectors import MarketRef

OPERATOR = Actor("7", "Ope Rator", frozenset({"operator"}))


class Steps:
    """A clock that each sleep moves; `at` runs something when it passes a time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.at: dict[float, Callable[[], None]] = {}

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        for due in [one for one in self.at if one <= self.now_s]:
            self.at.pop(due)()


def kill(
    steps: Steps, scope: str = "desk", key: str = "k-1", direct: dict[str, int | None] | None = None
) -> KillResult:
    asked: list[tuple[MarketRef, ...]] = []

    def cancel_directly(markets: tuple[MarketRef, ...]) -> dict[str, int | None]:
        asked.append(markets)
        assert TradingControl.objects.get(scope=scope).state == "HALTED", "the gate comes first"
        if direct is None:
            raise AssertionError("the watchdog was quick enough")
        return {one.slug: direct[one.slug] for one in markets}

    return kill_switch(
        scope, actor=OPERATOR, reason="an exercise", idempotency_key=key, now=datetime.now(UTC),
        cancel_directly=cancel_directly, monotonic_s=lambda: steps.now_s, sleep=steps.sleep,
    )  # fmt: skip


def tell(world: World, slug: str, cancelled: int = 2, resting: int | None = 0, ahead_s: float = 1.0) -> None:
    at_ns = round((datetime.now(UTC).timestamp() + ahead_s) * 1e9)
    world.redis.set(keys.cleared(slug), encode(Cleared(slug, at_ns, at_ns, cancelled, resting)))


def tell_all(world: World) -> None:
    tell(world, DEX)
    tell(world, CEX, 1)


def test_the_watchdog_s_word_for_every_market_ends_it(world: World) -> None:
    world.ready()
    steps = Steps()
    steps.at[0.3] = lambda: tell_all(world)
    result = kill(steps)
    assert result.markets == (MarketCleared(DEX, 2, 0, "watchdog"), MarketCleared(CEX, 1, 0, "watchdog"))
    assert result.is_clear and 0.3 <= result.took_s < 0.5


def test_an_old_word_and_one_with_orders_left_do_not_count(world: World) -> None:
    world.ready()
    tell(world, DEX, ahead_s=-5)
    tell(world, CEX, resting=1)
    result = kill(Steps(), direct={DEX: 0, CEX: 0})
    assert result.markets == (MarketCleared(DEX, 0, 0, "direct"), MarketCleared(CEX, 0, 0, "direct"))


def test_a_venue_that_can_t_be_asked_is_told_and_the_gate_stays_closed(world: World) -> None:
    world.ready()
    result = kill(Steps(), direct={DEX: 0, CEX: None})
    assert not result.is_clear and result.gate is not None
    assert TradingControl.objects.get(scope="desk").state == "HALTED"


def test_one_market_s_kill_leaves_the_other(world: World) -> None:
    world.ready()
    steps = Steps()
    steps.at[0.1] = lambda: tell(world, DEX)
    result = kill(steps, DEX)
    assert [one.slug for one in result.markets] == [DEX]
    assert TradingControl.objects.get(scope=CEX).state == TradingControl.objects.get(scope="desk").state == "ACTIVE"


def test_the_same_key_twice_writes_once_and_still_clears(world: World) -> None:
    world.ready()
    for _ in range(2):
        steps = Steps()
        steps.at[0.1] = lambda: tell_all(world)
        assert kill(steps).is_clear
    assert TradingControl.objects.get(scope="desk").version == 2


def test_nobody_but_an_operator_kills(world: World) -> None:
    world.ready()
    with pytest.raises(ControlRefused):
        kill_switch(
            "desk", actor=Actor("8", "Audi Tor", frozenset({"auditor"})), reason="an exercise", idempotency_key="k",
            now=datetime.now(UTC), cancel_directly=lambda markets: {},
        )  # fmt: skip
    assert TradingControl.objects.get(scope="desk").state == "ACTIVE"


async def test_a_tick_already_queued_places_nothing_after_the_kill(world: World) -> None:
    world.ready()
    worker = world.worker()
    await worker.governed.refresh()  # what this process knows is from before the kill
    TradingControl.objects.filter(scope="desk").update(state="HALTED")  # no word in Redis: only the gate can know
    await world.tick(worker)
    assert world.dex.submitted == [] and world.cex.submitted == []
    assert not Order.objects.filter(status__in=["LIVE", "INTENT", "UNKNOWN"]).exists()
    await worker.close()
