"""One chaos run from its start to its report."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.context import SpawnProcess
from typing import Any

from dcmm_portal.chaos.books import read_books, watched_markets
from dcmm_portal.chaos.observer import Observer
from dcmm_portal.chaos.plan import draw_plan
from dcmm_portal.chaos.private_system import PrivateSystem
from dcmm_portal.chaos.strikes import Striker, kind_of
from dcmm_portal.chaos.venue_door import open_doors
from dcmm_portal.chaos.verdict import Conditions, Evidence, report

QUOTING_WITHIN_S = 90.0
SETTLE_S = 90.0
AGREE_S = 15.0
# Seconds of the plan for each kill or stop; with start and end below 15 minutes for 50 kills and 33 stops. A short run is denser.
LENGTH_PER_BLOW_S = 8.0
SHORT_LENGTH_PER_BLOW_S = 6.5
# Kinds of process that are stopped as well, when only the number of kills is given.
KINDS = 11
FULL = Conditions(fills=200, each=3, uptime=0.6)
FULL_KILLS = 40
# From here on every kind is hit at least once.
SHORT_KILLS = KINDS
# What the system under test runs with: the record is played faster, so that enough is filled in the time.
SETTINGS = {"SANDBOX_SPEED": "2"}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `length_s`: of the disturbances."""

    kills: int
    seed: int
    length_s: float
    busy: bool = False
    keep: bool = False


def wanted_from(kills: int | None, minutes: float | None, seed: int, *, busy: bool, keep: bool) -> Wanted:
    """Kills or minutes, the other follows."""
    if kills is None and minutes is not None:
        kills = max(1, round(minutes * 60 / LENGTH_PER_BLOW_S) - KINDS)
    count = kills if kills is not None else 50
    blows = count + KINDS * max(1, conditions_for(count).each)
    per_blow_s = LENGTH_PER_BLOW_S if count >= FULL_KILLS else SHORT_LENGTH_PER_BLOW_S
    length_s = minutes * 60 if minutes is not None else blows * per_blow_s
    return Wanted(count, seed, length_s, busy, keep)


def conditions_for(kills: int) -> Conditions:
    """The full ones from `FULL_KILLS` on; below, in proportion."""
    if kills >= FULL_KILLS:
        return FULL
    share = kills / FULL_KILLS
    return Conditions(round(FULL.fills * share), 1 if kills >= SHORT_KILLS else 0, FULL.uptime)


def run(wanted: Wanted, say: Say) -> dict[str, Any]:
    """Start the copy, disturb it, let it settle, compare, remove it. Raises `NotReady` when it does not start."""
    begun_s = time.monotonic()
    system = PrivateSystem(**SETTINGS)
    burners = _burn() if wanted.busy else []
    try:
        say(f"seed {wanted.seed}: ready after {system.start():.1f} s, state in {system.data_dir}")
        result = _disturb_and_compare(system, wanted, say)
    finally:
        for burner in burners:
            burner.kill()
        if system.process is not None and system.process.poll() is None:
            _interrupt(system)
        if not wanted.keep:
            system.remove()
    return result | {"seed": wanted.seed, "duration_s": round(time.monotonic() - begun_s, 1)}


def _disturb_and_compare(system: PrivateSystem, wanted: Wanted, say: Say) -> dict[str, Any]:
    _wait(system.is_quoting, QUOTING_WITHIN_S)
    doors, markets = open_doors(system), watched_markets(system)
    kinds = tuple(sorted({kind_of(name) for name in system.processes()} - {"supervisor"}))
    conditions = conditions_for(wanted.kills)
    each = max(1, conditions.each)
    plan = draw_plan(wanted.seed, wanted.kills, wanted.length_s, kinds, tuple(doors), each)
    observer, striker = Observer(system, doors, markets), Striker(system, doors)
    began, began_s = datetime.now(UTC), time.monotonic()
    observer.begin()
    for blow in plan:
        time.sleep(max(0.0, began_s + blow.at_s - time.monotonic()))
        striker.strike(blow, had_order=observer.has_order())
        say(f"{time.monotonic() - began_s:6.1f} s  {blow.what} {blow.target} {blow.fault.kind if blow.fault else ''}")
    time.sleep(max(0.0, began_s + wanted.length_s - time.monotonic()))
    striker.finish()
    observer.end()
    say("disturbances over; waiting until everything has settled")
    is_equal = _wait(lambda: _reconciled(system), SETTLE_S)
    return _compared(lambda: _gather(system, observer, striker, kinds, is_equal, began), conditions)


def _gather(
    system: PrivateSystem, observer: Observer, striker: Striker, kinds: tuple[str, ...], is_equal: bool, began: datetime
) -> Evidence:
    """Both sides' books as they are now; the venues' first."""
    exports = {name: door.export() for name, door in striker.doors.items()}
    books = read_books(system, began)
    return Evidence(observer.markets, books, exports, observer, striker, system.console, kinds, is_equal)


def _compared(gather: Callable[[], Evidence], conditions: Conditions) -> dict[str, Any]:
    """The report. The desk goes on quoting: a fill between the two readings is no difference, one that stays is."""
    deadline_s = time.monotonic() + AGREE_S
    while True:
        result = report(gather(), conditions)
        if result["clean"] or time.monotonic() > deadline_s:
            return result
        time.sleep(1.0)


def _reconciled(system: PrivateSystem) -> bool:
    done = system.manage("reconcile", "--json", timeout_s=60)
    try:
        return bool(json.loads(done.stdout)["equal"])
    except (ValueError, KeyError):
        return False


def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        if condition():
            return True
        time.sleep(0.5)
    return False


def _interrupt(system: PrivateSystem) -> None:
    try:
        system.interrupt(20)
    except Exception:
        system.kill()


def _burn() -> list[SpawnProcess]:
    """Two processes that do nothing but compute."""
    context = multiprocessing.get_context("spawn")
    burners = [context.Process(target=_spin, daemon=True) for _ in range(2)]
    for burner in burners:
        burner.start()
    return burners


def _spin() -> None:
    while True:
        pass
