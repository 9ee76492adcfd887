"""A market that demands a gate is quoted by what the gate is now: at the next reading, and never by a decision made before."""

from __future__ import annotations

import asyncio

import pytest

from disclosures.documents.checklist import GATE
from tests.orders.test_demanded_gates import demand, set_gate
from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.controls.selectors import effective_state
from trading.models import KNOWN_GATES, Lock, Order, TradingControl
from trading.orders import execute as execute_module
from trading.orders.gate import GateAnswer, GateRequest
from trading.quoting.connections import Connections
from trading.quoting.governed import load_states
from trading.quoting.sentences import SENTENCES
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode
from trading.sentence_text import sentence


def test_every_gate_has_its_code_and_sentence() -> None:
    assert KNOWN_GATES == ("disclosures",)
    assert GATE in KNOWN_GATES
    for name in KNOWN_GATES:
        assert ReasonCode(f"gate_{name}").value in SENTENCES
        assert f"“{name}”" in sentence(f"gate_{name}", {})


async def _until_resting(world: World, worker: Connections, count: int) -> None:
    for _ in range(100):
        await world.tick(worker)
        if len(world.dex.resting()) == count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(world.status())


async def test_a_closed_gate_takes_off_what_raises_exposure_and_an_open_one_brings_it_back(world: World) -> None:
    world.ready()
    world.position(DEX, 3)
    demand()
    set_gate(world, is_open=True)
    worker = world.worker()
    await world.tick(worker)
    assert len(world.dex.resting()) == 2
    set_gate(world, is_open=False)
    await _until_resting(world, worker, 1)
    assert [order.side.value for order in world.dex.resting()] == ["sell"]
    assert (world.status().outcome, world.status().reason) == ("one_sided", "gate_disclosures")
    assert len(world.cex.resting()) == 2
    set_gate(world, is_open=True)
    await _until_resting(world, worker, 2)
    await worker.close()


async def test_at_its_target_a_market_without_its_gate_quotes_nothing_and_says_why(world: World) -> None:
    world.ready()
    demand()
    worker = world.worker()
    await world.tick(worker)
    assert world.dex.submitted == []
    assert world.status().reason == "gate_disclosures"
    assert "“disclosures” is closed" in sentence(world.status().sentence_key, world.status().sentence_args)
    state, (why,) = effective_state(DEX, to_datetime(world.clock.now_ns()))
    assert (state, why.scope, why.rule) == (TradingState.REDUCING, DEX, "gate_disclosures")
    assert why.reason == "this gate was never opened"
    await worker.close()


async def test_a_gate_that_closes_between_deciding_and_sending_lets_nothing_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready()
    demand()
    set_gate(world, is_open=True)
    worker = world.worker()
    real = execute_module.pass_gate

    def closes_first(request: GateRequest) -> GateAnswer:
        if request.slug == DEX:
            set_gate(world, is_open=False)
        return real(request)

    monkeypatch.setattr(execute_module, "pass_gate", closes_first)
    await world.tick(worker)
    assert world.dex.submitted == [] and world.live() == []
    assert not Order.objects.filter(market__slug=DEX).exists()
    assert world.status().sentence_key == "state_forbids"
    await worker.close()


def test_the_strictest_of_control_lock_and_gate_stands(world: World) -> None:
    now = to_datetime(world.clock.now_ns())
    demand()

    def stands() -> tuple[str, str]:
        found = load_states(now)[DEX]
        return found.state.value, found.reason

    assert stands() == ("reducing", "gate_disclosures")
    assert load_states(now)[CEX].reason == "control_active"
    TradingControl.objects.filter(scope=DEX).update(state="PAUSED")
    assert stands() == ("paused", "control_paused")
    TradingControl.objects.filter(scope=DEX).update(state="ACTIVE")
    lock = Lock.objects.create(scope=DEX, state="PAUSED", rule="breaker", reason="x", imposed_at=now, imposed_by="x")
    assert stands() == ("paused", "lock_breaker")
    lock.state = "REDUCING"
    lock.save(update_fields=["state"])
    assert stands() == ("reducing", "lock_breaker")
    assert effective_state(DEX, now)[0] is TradingState.REDUCING
