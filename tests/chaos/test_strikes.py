"""Faults last until they struck; one that its venue forgot is given again. Against the real venue's control door."""

from __future__ import annotations

import asyncio
import urllib.request

import pytest

from dcmm_portal.chaos import strikes
from dcmm_portal.chaos.plan import Blow, Fault
from dcmm_portal.chaos.private_system import PrivateSystem
from dcmm_portal.chaos.strikes import Striker
from dcmm_portal.chaos.venue_door import VenueDoor
from tests.support.servers import wait_until
from trading.sandbox.server.testing import running_venue


def ask_time(base_url: str) -> None:
    with urllib.request.urlopen(base_url + "/v1/time", timeout=5) as answer:
        answer.read()


def forget_and_strike(base_url: str, door: VenueDoor) -> Striker:
    system = PrivateSystem()
    try:
        striker = Striker(system, {"sandbox-dex": door})
        fault = Fault("latency", (("delay_s", 0.01), ("endpoint", "time")))
        striker.strike(Blow(0.0, "fault", "sandbox-dex", 0.05, fault), had_order=True)
        door.call("DELETE", "/control/faults")  # as a venue that was killed
        wait_until(
            lambda: bool(door.call("GET", "/control/status")["faults"]["rules"]), 10, "the rule to be given again"
        )
        assert striker.struck == []
        ask_time(base_url)
        striker.finish()
    finally:
        system.remove()
    return striker


async def test_a_fault_that_nothing_met_goes_on_until_it_struck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strikes, "LOOK_AGAIN_S", 0.1)
    async with running_venue("dex") as venue:
        door = VenueDoor("dex", venue.base_url, venue.control_token)
        striker = await asyncio.to_thread(forget_and_strike, venue.base_url, door)
    assert striker.applied["latency"] == 1 and striker.missed == []
    assert [(one.process, one.had_order) for one in striker.struck] == [("sandbox-dex", True)]
    assert striker.struck[0].until_ns > striker.struck[0].from_ns
