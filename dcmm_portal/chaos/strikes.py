"""Carrying out the blows: SIGKILL, SIGSTOP with its SIGCONT, venue faults."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dcmm_portal.chaos.plan import Blow, Fault
from dcmm_portal.chaos.private_system import PrivateSystem
from dcmm_portal.chaos.venue_door import VenueAway, VenueDoor

WAIT_FOR_TARGET_S = 20.0
# How long a fault may go on waiting for something to strike, and how often that is looked at.
FAULT_MOST_S = 90.0
LOOK_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A blow that was carried out, from when to when (wall clock, ns); `process` is the name it hit, with its pid."""

    blow: Blow
    process: str
    pid: int
    from_ns: int
    until_ns: int
    had_order: bool


@dataclass(slots=True)
class _Standing:
    """A fault in force. `before`: how often its kind had struck at this venue when it began."""

    blow: Blow
    door: VenueDoor
    rule_id: int
    before: int
    from_ns: int
    had_order: bool
    until_s: float


@dataclass
class Striker:
    """Strikes one blow after the other; what must end later (stops, faults) is ended by timers."""

    system: PrivateSystem
    doors: dict[str, VenueDoor]
    struck: list[Struck] = field(default_factory=list)
    missed: list[Blow] = field(default_factory=list)
    applied: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._counted: dict[tuple[str, int], dict[str, int]] = {}
        self._struck_at: dict[tuple[str, str], int] = {}
        self._standing: list[_Standing] = []
        self._stopped: dict[str, float] = {}
        self._timers: list[threading.Timer] = []
        self._turn: dict[str, int] = {}

    def strike(self, blow: Blow, *, had_order: bool) -> None:
        """Carry out one blow; one whose target does not come back in time is noted as missed."""
        if blow.what == "fault":
            self._fault(blow, had_order)
            return
        found = self._await_target(blow.target)
        if found is None:
            self.missed.append(blow)
            return
        name, pid = found
        now_ns = time.time_ns()
        if blow.what == "kill":
            _signal([pid], signal.SIGKILL)
        else:
            self._stopped[name] = time.monotonic() + blow.lasts_s
            family = [pid, *descendants(pid)]
            _signal(family, signal.SIGSTOP)
            self._later(blow.lasts_s, lambda: _signal(family, signal.SIGCONT))
        self.struck.append(Struck(blow, name, pid, now_ns, now_ns + round(blow.lasts_s * 1e9), had_order))

    def finish(self) -> None:
        """End everything that still lasts: stopped processes go on, faults that struck and skews end."""
        for one in self.struck:
            if one.blow.what == "stop":
                _signal([one.pid, *descendants(one.pid)], signal.SIGCONT)
        deadline_s = time.monotonic() + FAULT_MOST_S
        while self._standing and time.monotonic() < deadline_s:
            time.sleep(0.2)
        for timer in self._timers:
            timer.cancel()
        for door in self.doors.values():
            self.count(door)
            _until_done(door, "DELETE", "/control/faults")
            _until_done(door, "PUT", "/control/clock", {"skew_s": 0})

    def count(self, door: VenueDoor) -> None:
        """Add what a venue's counters gained; a restarted venue counts from zero again."""
        try:
            told = door.applied()
        except VenueAway:
            return
        key = (door.name, told.pop("pid"))
        with self._lock:
            before = self._counted.setdefault(key, {})
            for kind, number in told.items():
                gained = max(0, number - before.get(kind, 0))
                self.applied[kind] = self.applied.get(kind, 0) + gained
                self._struck_at[door.name, kind] = self._struck_at.get((door.name, kind), 0) + gained
            before.update(told)

    def _await_target(self, kind: str) -> tuple[str, int] | None:
        """A running process of the kind that is not stopped now; several take turns."""
        deadline_s = time.monotonic() + WAIT_FOR_TARGET_S
        while time.monotonic() < deadline_s:
            running = {name: pid for name, pid in self.system.processes().items() if kind_of(name) == kind}
            free = sorted(name for name in running if self._stopped.get(name, 0.0) < time.monotonic())
            free = [name for name in free if _is_running(running[name])]
            if free:
                turn = self._turn.get(kind, 0)
                self._turn[kind] = turn + 1
                name = free[turn % len(free)]
                return name, running[name]
            time.sleep(0.05)
        return None

    def _fault(self, blow: Blow, had_order: bool) -> None:
        assert blow.fault is not None
        door, fault = self.doors[blow.target], blow.fault
        if fault.skew_s:
            self._skew(blow, door, fault.skew_s, had_order)
            return
        self.count(door)
        before, now_ns = self._struck_at.get((door.name, fault.kind), 0), time.time_ns()
        rule_id = _posted(door, fault, WAIT_FOR_TARGET_S)
        if rule_id is None:
            self.missed.append(blow)
            return
        until_s = time.monotonic() + FAULT_MOST_S
        standing = _Standing(blow, door, rule_id, before, now_ns, had_order, until_s)
        self._standing.append(standing)
        self._later(blow.lasts_s, lambda: self._end_fault(standing))

    def _skew(self, blow: Blow, door: VenueDoor, skew_s: float, had_order: bool) -> None:
        now_ns = time.time_ns()
        _until_done(door, "PUT", "/control/clock", {"skew_s": skew_s})
        self.applied["clock_skew"] = self.applied.get("clock_skew", 0) + 1
        self._later(blow.lasts_s, lambda: _until_done(door, "PUT", "/control/clock", {"skew_s": 0}))
        until_ns = now_ns + round(blow.lasts_s * 1e9)
        self.struck.append(Struck(blow, blow.target, 0, now_ns, until_ns, had_order))

    def _end_fault(self, standing: _Standing) -> None:
        """End a fault that has struck. One that has not goes on: nothing came its way yet, or its venue was killed and forgot
        the rule, which is then given again."""
        door, fault = standing.door, standing.blow.fault
        assert fault is not None
        self.count(door)
        has_struck = self._struck_at.get((door.name, fault.kind), 0) > standing.before
        _deleted(door, standing.rule_id)
        if not has_struck and time.monotonic() < standing.until_s:
            standing.rule_id = _posted(door, fault, LOOK_AGAIN_S) or 0
            self._later(LOOK_AGAIN_S, lambda: self._end_fault(standing))
            return
        blow = standing.blow
        self.struck.append(Struck(blow, blow.target, 0, standing.from_ns, time.time_ns(), standing.had_order))
        self._standing.remove(standing)

    def _later(self, after_s: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(after_s, action)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)


def kind_of(name: str) -> str:
    """The kind of a process: its name without its number."""
    head, _, tail = name.rpartition("-")
    return head if head and tail.isdigit() else name


def descendants(pid: int) -> list[int]:
    """Every process below `pid`."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return False
    return state not in ("Z", "T")


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _posted(door: VenueDoor, fault: Fault, within_s: float) -> int | None:
    """The rule's number, None when the venue does not answer in time: it may just be starting again."""
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            return int(door.call("POST", "/control/faults", {"kind": fault.kind, **dict(fault.rule)})["ids"][0])
        except VenueAway:
            if time.monotonic() >= deadline_s:
                return None
            time.sleep(0.2)


def _deleted(door: VenueDoor, rule_id: int) -> None:
    try:
        door.call("DELETE", f"/control/faults/{rule_id}")
    except VenueAway:
        return  # a venue that was killed forgot its rules


def _until_done(door: VenueDoor, method: str, path: str, body: object = None) -> None:
    """Repeat until the venue took it: it may just be starting again."""
    deadline_s = time.monotonic() + WAIT_FOR_TARGET_S
    while time.monotonic() < deadline_s:
        try:
            door.call(method, path, body)
        except VenueAway:
            time.sleep(0.2)
        else:
            return
