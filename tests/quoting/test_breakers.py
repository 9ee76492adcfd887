"""Breakers through real cycles: quotes go, the lock stands for its cool-down, memory survives a lost Redis and a restart."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

from tests.quoting.world import DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.hot_state.codec import encode
from trading.hot_state.session import read_session_sync, write_markouts_sync
from trading.hot_state.values import HotBalance, HotBalances, HotMarkouts, HotPosition, HotTrade
from trading.models import Event, Lock, ParameterSet, Position, TradingSession
from trading.sessions import keep_sessions
from trading.venues.interface import RejectReason, StepKind, VenueRejected


def lock(world: World, rule: str) -> Lock | None:
    return Lock.objects.filter(scope=DEX, rule=rule, lifted_at__isnull=True).first()


def lose(world: World, quote: D) -> None:
    """Realise a loss of that much, in the hot position."""
    row = ParameterSet.objects.select_related("market").get(market__slug=DEX)
    q = row.q_target_lots * row.market.lot_size
    mid = D("0.27")
    world.redis.set(keys.position(DEX), encode(HotPosition(DEX, 2, q, q * mid, -quote, D(0), D(0), 1)))


async def paused_with(world: World, **changes: object) -> str:
    """One cycle that quotes, then one with the view changed; the reason of the second, whose quotes are gone."""
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    assert len(world.dex.resting()) == 2
    world.clock.advance(1)
    world.publish(**changes)
    await world.tick(worker, fresh=False, step_s=0)
    assert world.dex.resting() == []
    await worker.close()
    return world.status().reason


async def test_a_price_jump_pauses_for_the_cool_down(world: World) -> None:
    assert await paused_with(world, rolling_mid=D("0.25")) == "price_jumped"
    held = lock(world, "breaker")
    assert held is not None and held.state == "PAUSED" and held.until is not None
    assert held.until - held.imposed_at == timedelta(seconds=60)
    event = Event.objects.get(type="risk.breaker")
    assert event.payload["breaker"] == "price_jump" and float(event.payload["jump_bps"]) == 800.0000000000007


async def test_extreme_volatility_pauses(world: World) -> None:
    assert await paused_with(world, sigma_raw=0.05) == "volatility_extreme"
    assert lock(world, "breaker") is not None


async def test_a_skewed_clock_pauses_without_a_lock(world: World) -> None:
    assert await paused_with(world, clock_skew_ms=2500.0) == "clock_skewed"
    assert lock(world, "breaker") is None


async def test_a_reference_far_from_the_last_trade_pauses(world: World) -> None:
    trade = HotTrade("t1", "buy", D("0.30"), D(1), world.clock.now_ns() + 10**9)
    assert await paused_with(world, trades=(trade,)) == "sources_disagree"


async def test_frozen_market_data_pauses_though_the_feed_lives(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    view = world.publish(proof_age_s=-2.0)  # proof of life keeps coming, the view does not
    world.clock.advance(3.1)
    world.publish_account(DEX)
    assert view.published_ns < world.clock.now_ns()
    await world.tick(worker, fresh=False, step_s=0)
    assert world.dex.resting() == [] and world.status().reason == "input_frozen"
    await worker.close()


async def test_a_drawdown_locks_until_two_people_and_survives_the_loss_of_redis(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    lose(world, D(-100))  # a gain: the peak rises
    await world.tick(worker)
    assert read_session_sync(DEX).peak == D(100)
    keep_sessions(to_datetime(world.clock.now_ns()))
    world.redis.delete(keys.session(DEX))
    lose(world, D("149.99"))
    await world.tick(worker)
    assert world.status().reason == "" and read_session_sync(DEX).peak == D(100)
    lose(world, D(150))
    await world.tick(worker)
    assert world.dex.resting() == [] and world.status().reason == "drawdown_reached"
    held = lock(world, "drawdown")
    assert held is not None and held.until is None
    await worker.close()


async def test_a_peak_edited_down_in_redis_comes_back_from_postgresql(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    lose(world, D(-100))
    await world.tick(worker)
    now = to_datetime(world.clock.now_ns())
    keep_sessions(now)
    edited = read_session_sync(DEX)
    world.redis.set(keys.session(DEX), encode(edited).replace(b'"peak":"100', b'"peak":"000'))
    keep_sessions(now)
    assert read_session_sync(DEX).peak == D(100)
    assert TradingSession.objects.get(market__slug=DEX).peak == D(100)
    await worker.close()


async def test_rejects_in_a_row_pause_and_the_count_begins_again_after_the_cool_down(world: World) -> None:
    world.ready()
    worker = world.worker()

    def refuse(step: object) -> None:
        raise VenueRejected(RejectReason.BAD_SIZE, "no")

    world.dex.before[StepKind.SUBMIT] = refuse
    for number in range(5):
        await world.tick(worker)
        assert world.status().rejects_in_a_row == 2 * (number + 1)
    await world.tick(worker)
    assert world.status().reason == "rejects_in_a_row" and lock(world, "breaker") is not None
    assert world.status().rejects_in_a_row == 0
    world.dex.before.clear()
    await world.tick(worker, step_s=30)
    assert world.dex.resting() == [] and world.status().reason == "lock_breaker"
    await world.tick(worker, step_s=31)
    await world.tick(worker)
    assert len(world.dex.resting()) == 2
    await worker.close()


async def test_toxic_flow_widens_then_pauses(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    calm = world.status().spread_bps
    write_markouts_sync(HotMarkouts(DEX, world.clock.now_ns(), -10.0, 20))
    await world.tick(worker)
    assert (calm, round(world.status().spread_bps or 0.0, 9)) == (5.0, 7.5)
    write_markouts_sync(HotMarkouts(DEX, world.clock.now_ns(), -20.0, 20))
    await world.tick(worker)
    assert world.dex.resting() == [] and world.status().reason == "flow_toxic"
    await worker.close()


async def test_a_balance_unlike_the_inventory_for_twenty_seconds_only_reduces(world: World) -> None:
    world.ready()
    worker = world.worker()
    await world.tick(worker)
    for _ in range(22):
        world.clock.advance(1)
        world.publish()
        held = HotBalances("dex-desk", world.clock.now_ns(), {
            "dct": HotBalance(D(500000), D(500000)), "usdt": HotBalance(D(10**6), D(10**6)),
        })  # fmt: skip
        world.redis.set(keys.balances("dex-desk"), encode(held))
        await world.tick(worker, fresh=False, step_s=0)
    assert world.status().state == "reducing" and world.status().reason == "balance_unlike_inventory"
    await worker.close()


async def test_the_order_rate_of_a_minute_is_kept(world: World) -> None:
    world.ready()
    row = ParameterSet.objects.select_related("market").get(market__slug=DEX)
    from trading.parameters.services import apply_version, current_values

    values = current_values(row) | {"max_requests_per_minute": D(5)}
    apply_version(row.market, values, authorised_by="test", actor_id="t", actor_name="t", reason="rate",
                  now=to_datetime(world.clock.now_ns()))  # fmt: skip
    worker = world.worker()
    mids = [D("0.2700") + D("0.0003") * number for number in range(6)]
    for mid in mids:
        world.publish(mid=mid)
        await world.tick(worker, fresh=False)
    placed = [kind for kind, _ in world.dex.requests if kind in ("submit", "amend")]
    assert len(placed) == 5
    assert Position.objects.filter(market=row.market).exists()
    await worker.close()
