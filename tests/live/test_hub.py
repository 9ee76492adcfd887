"""The hub of the public sockets: made once, told to all, nobody waits for the slow, memory is bounded, old is said to be old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from django.db import OperationalError

from dcmm_portal.live_sockets.outlet import Prepared
from disclosures.live import hub as hub_module
from disclosures.live.listener import Listener
from disclosures.transparency.publication import Publication
from tests.live.parts import SLUGS, FakeOutlet, Stage, settled, told
from trading.metrics import LIVE_FEED_LOST, SOCKETS_DROPPED

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(hub_module, "LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(hub_module, "READ_AFTER_S", 0.0)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    await made.hub.close()


async def test_a_newcomer_gets_every_market_then_changes(stage: Stage) -> None:
    _, outlet = await stage.joined()
    await stage.push(told(mid="0.26"))
    assert outlet.kinds == [("snapshot", SLUGS[0]), ("snapshot", SLUGS[1]), ("market", SLUGS[0])]
    assert outlet.told[2]["status"]["mid"] == "0.26"
    _, later = await stage.joined()
    assert [message["status"]["mid"] for message in later.told] == ["0.26", "0.25"]


async def test_a_message_is_made_once_however_many_listen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = json.dumps
    monkeypatch.setattr(json, "dumps", lambda body: made.append(body["type"]) or real(body))
    outlets = [(await stage.joined())[1] for _ in range(300)]
    assert (made, stage.subscriptions, stage.readings) == (["snapshot", "snapshot"], 1, 1)
    await stage.push(told())
    assert made == ["snapshot", "snapshot", "market"]
    assert {id(outlet.got[2]) for outlet in outlets} == {id(outlets[0].got[2])}


async def test_the_policy_holds_on_what_the_push_tells(stage: Stage) -> None:
    _, outlet = await stage.joined()
    await stage.push(told())
    body = json.dumps(outlet.told)
    assert "203517" not in body and "12.4873" not in body and "fills" not in body
    assert '"bid": "0.249"' in body
    stage.policy = Publication(4, 86_400, Decimal(1), 7, 86_400)
    stage.clock.advance(5.0)
    before = len(outlet.got)
    await stage.push(told())
    last = outlet.told[before]
    assert (last["type"], last["status"]["publication_version"]) == ("market", 4)
    assert (last["status"]["bid"], last["status"]["depth"], last["status"]["outcome"]) == (None, [], "unknown")


async def test_a_new_policy_is_read_after_a_second(stage: Stage) -> None:
    _, outlet = await stage.joined()
    stage.policy = Publication(4, 86_400, Decimal(1), 7, 86_400)
    stage.clock.advance(1.0)
    await stage.push(told(mid="0.26"))
    await stage.push(told(mid="0.27"))
    assert [message["status"]["publication_version"] for message in outlet.told] == [3, 3, 3, 4]


async def test_a_slow_client_delays_nobody_and_keeps_the_newest(stage: Stage) -> None:
    slow, slow_outlet = await stage.joined()
    _, quick = await stage.joined()
    slow_outlet.is_full = True
    for mid in ("0.26", "0.27", "0.28"):
        await stage.push(told(mid=mid))
        await stage.push(told(SLUGS[1], mid=mid))
    assert [message["status"]["mid"] for message in quick.told[2:]] == ["0.26", "0.26", "0.27", "0.27", "0.28", "0.28"]
    assert (slow.waiting, len(slow_outlet.got)) == (2, 2)
    slow_outlet.is_full = False
    slow_outlet.retry()
    assert [message["status"]["mid"] for message in slow_outlet.told[2:]] == ["0.28", "0.28"]
    assert (slow.waiting, slow.late_since_s) == (0, None)


async def test_who_takes_nothing_for_ten_seconds_is_dropped_alone(stage: Stage) -> None:
    _, slow = await stage.joined()
    _, quick = await stage.joined()
    before = SOCKETS_DROPPED._value.get()
    slow.is_full = True
    await stage.push(told())
    stage.clock.advance(9.9)
    assert (stage.hub.drop_slow(), slow.dropped) == (0, None)
    stage.clock.advance(0.1)
    assert (stage.hub.drop_slow(), slow.dropped, quick.dropped) == (1, 1013, None)
    assert SOCKETS_DROPPED._value.get() == before + 1
    await stage.push(told(mid="0.26"))
    assert (len(slow.got), len(quick.got)) == (2, 4)


async def test_who_catches_up_in_time_stays(stage: Stage) -> None:
    _, outlet = await stage.joined()
    for mid in ("0.26", "0.27", "0.28"):
        outlet.is_full = True
        await stage.push(told(mid=mid))
        stage.clock.advance(6.0)
        outlet.is_full = False
        outlet.retry()
        assert stage.hub.drop_slow() == 0
    assert outlet.dropped is None


async def test_ten_thousand_sockets_of_which_half_take_nothing_stay_bounded(stage: Stage) -> None:
    await stage.joined()
    members = [(listener, listener.outlet) for listener in (Listener(FakeOutlet()) for _ in range(10_000))]
    for number, (listener, outlet) in enumerate(members):
        outlet.is_full = number % 2 == 0
        stage.hub._listeners[listener] = None
    for number in range(50):
        stage.inbox.put_nowait(told(SLUGS[number % 2], mid=f"0.3{number:02d}"))
        await settled(5)
    await settled()
    assert max(listener.waiting for listener, _ in members) == 2
    # Whatever waits is shared: as many texts as there are markets, not as there are clients.
    assert len({id(message) for listener, _ in members for message in listener._waiting.values()}) == 2
    assert members[1][1].told[-1]["status"]["mid"] == "0.349"
    stage.clock.advance(10.0)
    assert stage.hub.drop_slow() == 5_000
    assert len(stage.hub._listeners) == 5_001


async def test_a_crowd_leaves_time_for_other_work(stage: Stage) -> None:
    await stage.joined()
    for _ in range(2_000):
        stage.hub._listeners[Listener(FakeOutlet())] = None
    turns = []

    async def others() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    working = asyncio.create_task(others())
    await asyncio.sleep(0)
    before = len(turns)
    await stage.hub._fan_out(Prepared("x", "{}"))
    assert len(turns) - before >= 8
    working.cancel()


async def test_a_lost_feed_is_told_and_heard_again(stage: Stage) -> None:
    _, outlet = await stage.joined()
    before = LIVE_FEED_LOST.labels("ConnectionError")._value.get()
    await stage.push(ConnectionError("gone"))
    assert outlet.told[-1] == {"type": "state", "market": None, "state": "old"}
    assert LIVE_FEED_LOST.labels("ConnectionError")._value.get() == before + 1
    _, newcomer = await stage.joined()
    assert newcomer.kinds == [("state", None), ("snapshot", SLUGS[0]), ("snapshot", SLUGS[1])]
    assert stage.subscriptions == 2
    # What was missed meanwhile is made good: everything is told again.
    await stage.push(told(mid="0.29"))
    assert outlet.kinds[3:] == [("state", None), ("snapshot", SLUGS[0]), ("snapshot", SLUGS[1]), ("market", SLUGS[0])]
    assert outlet.told[3]["state"] == "live"


async def test_a_feed_that_ends_by_itself_is_taken_up_again(stage: Stage) -> None:
    await stage.joined()
    for number in range(3):
        await stage.push(RuntimeError("again"))
        assert stage.subscriptions == number + 2


async def test_without_the_database_pages_are_told_so_and_get_everything_later(stage: Stage) -> None:
    stage.problem = OperationalError("gone")
    _, outlet = await stage.joined()
    assert outlet.told == [{"type": "state", "market": None, "state": "old"}]
    await stage.push(told())
    assert len(outlet.got) == 1
    stage.problem = None
    stage.clock.advance(10.0)
    await stage.push(told(mid="0.26"))
    assert outlet.told[1]["state"] == "live"
    assert outlet.kinds[2:] == [("snapshot", SLUGS[0]), ("snapshot", SLUGS[1]), ("market", SLUGS[0])]


async def test_a_database_away_is_not_asked_by_every_message(stage: Stage) -> None:
    stage.problem = OperationalError("gone")
    await stage.joined()
    tried = stage.readings
    for _ in range(20):
        await stage.push(told())
    assert stage.readings == tried
    stage.clock.advance(10.0)
    await stage.push(told())
    assert stage.readings == tried + 1


@pytest.mark.parametrize(
    "garbage",
    [
        None, 7, {"market": 7}, {"market": SLUGS[0]}, {"market": SLUGS[0], "status": None}, told("unheard-of"),
        told(mid="NaN"), told(bid=0.249), told(updated_at="yesterday"), told(depth=[1]), told(price_decimals="x"),
        {**told(SLUGS[1]), "market": SLUGS[0]},
    ],
)  # fmt: skip
async def test_what_somebody_else_writes_into_the_channel_is_not_told(stage: Stage, garbage: object) -> None:
    _, outlet = await stage.joined()
    await stage.push(garbage)
    assert len(outlet.got) == 2
    await stage.push(told(mid="0.3"))
    assert outlet.told[-1]["status"]["mid"] == "0.3"


async def test_a_flood_of_invented_markets_is_bounded_and_read_for_once_a_second(stage: Stage) -> None:
    await stage.joined()
    for number in range(5_000):
        stage.hub._take(told(f"invented-{number}"))
    assert len(stage.hub._waiting) == 1_000
    await settled()
    assert stage.readings == 1


async def test_with_the_last_socket_everything_ends_and_a_new_one_starts_it(stage: Stage) -> None:
    listener, _ = await stage.joined()
    other, outlet = await stage.joined()
    stage.hub.leave(listener)
    stage.clock.advance(60.0)
    await stage.hub.look()
    assert stage.hub._running is not None
    stage.hub.leave(other)
    stage.clock.advance(9.9)
    await stage.hub.look()
    assert stage.hub._running is not None
    stage.clock.advance(0.1)
    ending = stage.hub._running
    await stage.hub.look()
    await asyncio.wait([ending], timeout=2)
    assert (ending.done(), stage.hub._running, stage.hub._executor) == (True, None, None)
    _, outlet = await stage.joined()
    await stage.push(told(mid="0.31"))
    assert (stage.subscriptions, outlet.told[-1]["status"]["mid"]) == (2, "0.31")


async def test_without_markets_silence_means_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.live import parts

    empty = parts.Reading(parts.basis(), {})
    monkeypatch.setattr(parts, "reading", lambda policy: empty)
    _, outlet = await stage.joined()
    await stage.push(ConnectionError("silent"))
    assert outlet.got == []


async def test_a_rule_that_comes_meanwhile_drops_whom_it_refuses_and_nobody_else(stage: Stage) -> None:
    _, refused = await stage.joined(("", "MV"))
    _, other = await stage.joined(("",))
    assert await stage.hub.drop_refused() == 0
    stage.refused = frozenset({("", "MV")})
    assert await stage.hub.drop_refused() == 1
    await stage.push(told())
    assert (refused.dropped, other.dropped) == (4451, None)
    assert (len(refused.got), len(other.got)) == (2, 3)


async def test_rules_that_cannot_be_read_drop_nobody(stage: Stage) -> None:
    _, outlet = await stage.joined()
    stage.refused = OperationalError("away")
    assert (await stage.hub.drop_refused(), outlet.dropped) == (0, None)


# What the push tells of what the public may not see yet


async def test_the_moment_of_a_hidden_fill_is_not_told(stage: Stage) -> None:
    _, outlet = await stage.joined()
    await stage.push(told(mid="0.26"))
    before = len(outlet.got)
    hidden = {"inventory": "203000", "fills": 38, "feed_age_s": 0.3, "updated_at": "2026-01-01T00:00:01.000Z"}
    await stage.push(told(mid="0.26", **hidden))
    assert len(outlet.got) == before
    await stage.push(told(mid="0.27", **hidden))
    assert outlet.told[-1]["status"]["mid"] == "0.27"


async def test_where_our_quotes_are_delayed_their_steps_are_not_told_at_the_moment_of_a_message(stage: Stage) -> None:
    stage.policy = Publication(4, 86_400, Decimal(1), 7, 86_400)
    _, outlet = await stage.joined()
    await stage.push(told())
    before = len(outlet.got)
    await stage.push(told(bid="0.248", bid_size="999", spread_bps="81"))
    assert len(outlet.got) == before


async def test_quiet_markets_are_told_again_at_the_hubs_own_moments(stage: Stage) -> None:
    _, outlet = await stage.joined()
    await stage.push(told())
    before = len(outlet.got)
    stage.clock.advance(0.9)
    await stage.hub.look()
    await settled()
    assert len(outlet.got) == before
    stage.clock.advance(1.1)
    await stage.hub.look()
    await settled()
    assert outlet.kinds[before:] == [("market", SLUGS[0]), ("market", SLUGS[1])]
    # Of what was told a moment ago nothing is told again.
    stage.clock.advance(1.9)
    await stage.push(told(mid="0.27"))
    before = len(outlet.got)
    stage.clock.advance(0.1)
    await stage.hub.look()
    await settled()
    assert outlet.kinds[before:] == [("market", SLUGS[1])]


async def test_old_figures_are_not_told_again_as_if_they_were_new(stage: Stage) -> None:
    _, outlet = await stage.joined()
    await stage.push(ConnectionError("gone"))
    before = len(outlet.got)
    stage.clock.advance(4.0)
    await stage.hub.refresh()
    assert len(outlet.got) == before
