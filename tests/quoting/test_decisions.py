"""Decisions: from cycles to rows and batches, exactly once, and replayed bit for bit."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from tests.quoting.world import DEX, World
from trading.clock import to_datetime
from trading.hot_state import decisions as stream
from trading.models import Decision, DecisionBatch, Market, MarketMinute, Order
from trading.orders.records import OrderRecord, write_records
from trading.quoting.decision_writer import DecisionWriter
from trading.quoting.replay import replay_batch, replay_decision


async def _run_ticks(world: World, count: int) -> None:
    world.ready()
    worker = world.worker()
    for _ in range(count):
        await world.tick(worker)
    await worker.close()


async def test_sent_cycles_become_rows_and_quiet_ones_a_batch_and_all_replay_exactly(world: World) -> None:
    await _run_ticks(world, 5)
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    assert Decision.objects.filter(market=DEX).count() == 1
    assert DecisionBatch.objects.count() == 0
    world.clock.advance(70)
    writer.step(block_ms=10)
    batch = DecisionBatch.objects.get(market=DEX)
    assert batch.cycles == 4
    row = Decision.objects.get(market=DEX)
    assert [order["outcome"] for order in row.orders] == ["accepted", "accepted"]
    assert replay_decision(row.pk).equal
    assert all(one.equal for one in replay_batch(batch.pk))
    minute = MarketMinute.objects.get(market__slug=DEX)
    assert (minute.cycles, minute.two_sided, minute.one_sided) == (5, 5, 0)
    assert stream.backlog(world.redis) == 0


async def test_a_batch_committed_but_not_acknowledged_is_not_counted_twice(world: World) -> None:
    await _run_ticks(world, 4)
    first = DecisionWriter(world.redis, world.clock)
    first.recover()
    entries = stream.read_batch(world.redis, "writer", after=">", count=100, block_ms=None)
    taken = first._entries(entries)
    notable = [entry for entry in taken if entry.decision.notable]
    quiet = [entry for entry in taken if not entry.decision.notable and entry.decision.slug == DEX]
    from trading.quoting.decision_writer import write_batch, write_rows

    write_rows(notable)
    write_batch(quiet)  # the process dies here, before any acknowledgement
    second = DecisionWriter(world.redis, world.clock)
    assert second.recover() == len(entries)
    second.flush()
    assert Decision.objects.filter(market=DEX).count() == 1
    assert [batch.cycles for batch in DecisionBatch.objects.filter(market=DEX)] == [3]
    assert MarketMinute.objects.get(market__slug=DEX).cycles == 4


async def test_replay_command_names_a_difference_and_fails(world: World) -> None:
    await _run_ticks(world, 1)
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    row = Decision.objects.get(market=DEX)
    out = io.StringIO()
    call_command("replay", row.pk, stdout=out)
    assert "bit for bit" in out.getvalue()
    inputs = json.loads(json.dumps(row.inputs))
    inputs["quote"]["sigma"] = inputs["quote"]["sigma"] * 20
    other = Decision.objects.create(
        at=row.at, market=row.market, cycle_id="other", outcome=row.outcome, code_version="x", inputs=inputs,
        result=row.result, orders=[], duration_ms=1.0,
    )  # fmt: skip
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("replay", other.pk, stdout=out)
    assert "quote.delta_raw" in out.getvalue()
    with pytest.raises(CommandError, match="there is no decision"):
        call_command("replay", 10**12)


async def test_a_corrupt_entry_is_dropped_and_the_rest_is_written(world: World) -> None:
    await _run_ticks(world, 1)
    world.redis.xadd("dcmm:decisions", {"d": b"{not json"})
    world.redis.xadd("dcmm:decisions", {"other": b"1"})
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    assert Decision.objects.filter(market=DEX).count() == 1
    assert stream.backlog(world.redis) == 0


async def test_every_number_of_the_quote_is_stored(world: World) -> None:
    await _run_ticks(world, 1)
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    row = Decision.objects.get(market=DEX)
    assert row.inputs["quote"]["reference"]["price"] == 0.27
    assert row.inputs["quote"]["sigma"] == 0.00005
    assert {"r", "delta", "k", "shift"} <= set(row.result["quote"])
    assert Decimal(row.result["bid"]["price"]) < Decimal("0.27")
    assert row.parameter_version == 1 and row.code_version == "test"


async def test_one_entry_that_no_table_can_hold_is_set_aside_and_all_others_are_kept(world: World) -> None:
    """A value too wide for its column, a number that JSON columns refuse, a time outside any calendar."""
    await _run_ticks(world, 1)
    (_, fields), *_ = world.redis.xrange("dcmm:decisions")
    good = json.loads(fields[b"d"])
    poison = [
        good | {"cycle_id": "c" * 5_000},
        good | {"cycle_id": "late", "at_ns": 10**21},
        good | {"notable": False, "cycle_id": "quiet", "slug": "s" * 5_000},
        good | {"notable": False, "cycle_id": "nul-slug", "slug": "s\x00"},
    ]
    for number, each in enumerate(poison):
        world.redis.xadd("dcmm:decisions", {"d": json.dumps(each)})
        world.redis.xadd("dcmm:decisions", {"d": json.dumps(good | {"cycle_id": f"after-{number}", "notable": True})})
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    writer.flush()
    kept = set(Decision.objects.values_list("cycle_id", flat=True))
    assert {"after-0", "after-1", "after-2", good["cycle_id"]} <= kept
    assert stream.backlog(world.redis) == 0
    dead = world.redis.xrange("dcmm:decisions-dead")
    assert sorted(json.loads(one[b"d"])["cycle_id"][:5] for _, one in dead) == ["ccccc", "late", "nul-s", "quiet"]
    assert all(one[b"reason"] for _, one in dead)


async def test_a_nul_in_a_reason_is_kept_readable(world: World) -> None:
    """A venue's answer may hold anything; what was decided and sent is kept all the same."""
    await _run_ticks(world, 1)
    (_, fields), *_ = world.redis.xrange("dcmm:decisions")
    decision = json.loads(fields[b"d"])
    decision |= {"reason": "refused\x00", "orders": [{"detail": "no\x00thing"}], "cycle_id": "nul"}
    world.redis.xadd("dcmm:decisions", {"d": json.dumps(decision)})
    writer = DecisionWriter(world.redis, world.clock)
    writer.recover()
    writer.step(block_ms=10)
    row = Decision.objects.get(cycle_id="nul")
    assert (row.reason, row.orders) == ("refused\ufffd", [{"detail": "no\ufffdthing"}])


def test_an_order_whose_refusal_holds_a_nul_does_not_stay_an_intent(world: World) -> None:
    now = to_datetime(world.clock.now_ns())
    Order.objects.create(
        client_order_id="m1b0e1c9", market=Market.objects.get(slug=DEX), side="buy", level=0, epoch=1, price=1, size=1,
        status="INTENT", parameter_version=1, created_at=now, updated_at=now,
    )  # fmt: skip
    one = OrderRecord("m1b0e1c9", "REJECTED", "v\x001", Decimal(1), Decimal(1), Decimal(0), None, None, "bad\x00price")
    assert write_records([one], now) == 1
    row = Order.objects.get(client_order_id="m1b0e1c9")
    assert (row.status, row.reason, row.venue_order_id) == ("REJECTED", "bad\ufffdprice", "v\ufffd1")
