"""Faults strike where and as often as told, before or after executing, and are counted."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk
from trading.sandbox.server.faults import FaultKind, FaultRule, Faults, rule_from_json
from trading.sandbox.server.testing import RunningVenue


async def placed(venue: RunningVenue) -> list[str]:
    return [order.client_order_id for order in venue.exchange.open_orders("desk")]


async def test_errors_before_and_after_executing(venue: RunningVenue, desk: Desk) -> None:
    venue.faults.add(FaultRule(FaultKind.ERROR_BEFORE, endpoint="place", count=1, status=502))
    status, answer = await desk.place("before")
    assert (status, answer["error"]["code"], await placed(venue)) == (502, "unavailable", [])
    venue.faults.add(FaultRule(FaultKind.ERROR_AFTER, endpoint="place", count=1))
    status, _ = await desk.place("after")
    assert (status, await placed(venue)) == (503, ["after"])
    assert (await desk.place("clear"))[0] == 200
    assert (venue.faults.applied["error_before"], venue.faults.applied["error_after"]) == (1, 1)


async def test_connections_reset_before_and_after_executing(venue: RunningVenue, desk: Desk) -> None:
    venue.faults.add(FaultRule(FaultKind.DROP_BEFORE, endpoint="place", count=1))
    with pytest.raises(aiohttp.ClientError):
        await desk.place("before")
    assert await placed(venue) == []
    venue.faults.add(FaultRule(FaultKind.DROP_AFTER, endpoint="place", count=1))
    with pytest.raises(aiohttp.ClientError):
        await desk.place("after")
    assert await placed(venue) == ["after"]


async def test_latency_before_and_after_executing(venue: RunningVenue, desk: Desk) -> None:
    venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint="balances", count=1, delay_s=0.15))
    started = time.monotonic()
    assert (await desk.call("GET", "/v1/balances"))[0] == 200
    assert time.monotonic() - started >= 0.15
    venue.faults.add(FaultRule(FaultKind.LATENCY_AFTER, endpoint="place", count=1, delay_s=30.0))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await desk.place("timed-out")
    assert await placed(venue) == ["timed-out"]


async def test_a_request_held_up_past_its_deadline_does_not_rest(venue: RunningVenue, desk: Desk) -> None:
    venue.faults.add(FaultRule(FaultKind.LATENCY, endpoint="place", count=1, delay_s=0.2))
    status, answer = await desk.place("late", deadline_ms=int(time.time() * 1000) + 100)
    assert (status, answer["error"]["code"], await placed(venue)) == (409, "deadline_passed", [])


async def test_a_faked_rate_limit(venue: RunningVenue, desk: Desk) -> None:
    venue.faults.add(FaultRule(FaultKind.RATE_LIMITED, endpoint="*", count=1, retry_after_s=2.5))
    status, answer = await desk.place("q-1")
    assert (status, answer["error"]["code"], desk.headers["Retry-After"]) == (429, "rate_limited", "2.500")
    assert await placed(venue) == []


def test_rates_follow_the_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults([FaultRule(FaultKind.ERROR_BEFORE, rate=0.25)], seed)
        return [faults.draw(FaultKind.ERROR_BEFORE, "place") is not None for _ in range(2000)]

    assert strikes(7) == strikes(7)
    assert strikes(7) != strikes(8)
    assert 430 < sum(strikes(7)) < 570  # 500 expected, standard deviation 19


def test_rules_match_endpoint_patterns_and_run_out() -> None:
    faults = Faults([FaultRule(FaultKind.LATENCY, endpoint="cancel*", count=2)])
    assert faults.draw(FaultKind.LATENCY, "place") is None
    assert faults.draw(FaultKind.ERROR_AFTER, "cancel") is None
    assert [faults.draw(FaultKind.LATENCY, name) is not None for name in ("cancel", "cancel_all", "cancel")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "an object"),
        ({"kind": "meteor"}, "kind must be one of"),
        ({"kind": "latency", "delay_s": -1}, "delay_s"),
        ({"kind": "latency", "delay_s": "1"}, "delay_s has the wrong type"),
        ({"kind": "latency", "rate": 2}, "rate"),
        ({"kind": "latency", "rate": True}, "rate has the wrong type"),
        ({"kind": "error_after", "status": 200}, "status"),
        ({"kind": "latency", "count": -1}, "count"),
        ({"kind": "latency", "speed": 1}, "unknown field speed"),
    ],
)
def test_bad_rules_are_named(document: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rule_from_json(document)
