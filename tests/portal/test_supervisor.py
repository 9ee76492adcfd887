"""The supervisor on small real processes: order, restart, back-off, stop, no orphan."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dcmm_portal.supervisor.launch import free_port, port_is_free, tethered
from dcmm_portal.supervisor.runner import StartFailed, Supervisor
from dcmm_portal.supervisor.service import Service
from tests.support.servers import wait_until

SLEEPER = "import time\nprint('hello', flush=True)\ntime.sleep(600)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
)


def service(name: str, code: str, healthy=lambda: True, **more: object) -> Service:
    return Service(name, [*tethered(), sys.executable, "-c", code], dict(os.environ), healthy, **more)


@pytest.fixture
def supervisor(tmp_path: Path):
    made = Supervisor(tmp_path, tmp_path, tmp_path)
    yield made
    made.stop_named(made.names())


def processes(tmp_path: Path) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads((tmp_path / "processes.json").read_text())}


def test_records_names_pids_and_liveness(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([service("a", SLEEPER), service("b", SLEEPER)])
    rows = processes(tmp_path)
    assert [rows["a"]["up"], rows["b"]["up"]] == [True, True]
    assert rows["a"]["pid"] != rows["b"]["pid"]
    os.kill(rows["a"]["pid"], 0)


def test_a_killed_process_is_restarted_and_the_second_time_later(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([service("a", SLEEPER)])
    first = processes(tmp_path)["a"]["pid"]
    os.kill(first, signal.SIGKILL)
    wait_until(
        lambda: not Path(f"/proc/{first}").exists() or "Z" in Path(f"/proc/{first}/stat").read_text().split()[2],
        5,
        "death",
    )
    supervisor.watch_once(1000.0)
    assert processes(tmp_path)["a"]["up"] is False
    supervisor.watch_once(1000.0)
    second = processes(tmp_path)["a"]["pid"]
    assert second != first
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: "Z" in Path(f"/proc/{second}/stat").read_text().split()[2], 5, "death")
    supervisor.watch_once(1001.0)
    supervisor.watch_once(1001.4)  # the back-off of the second death in a row is half a second
    assert processes(tmp_path)["a"]["pid"] == second
    supervisor.watch_once(1001.5)
    assert processes(tmp_path)["a"]["pid"] != second


def test_a_process_that_ends_at_once_fails_the_start_and_names_its_log(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match=r"a ended with status 3; see .*a\.log"):
        supervisor.start([service("a", "raise SystemExit(3)", healthy=lambda: False)])


def test_an_unhealthy_process_fails_the_start(supervisor: Supervisor) -> None:
    with pytest.raises(StartFailed, match="not healthy after 0 s"):
        supervisor.start([service("a", SLEEPER, healthy=lambda: False, start_timeout_s=0.2)])


def test_what_does_not_stop_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    supervisor.start(
        [service("a", STUBBORN, healthy=lambda: log.exists() and "up" in log.read_text(), stop_timeout_s=0.3)]
    )
    pid = processes(tmp_path)["a"]["pid"]
    begun = time.monotonic()
    supervisor.stop_named(["a"])
    assert time.monotonic() - begun < 3
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_hangs_is_killed_and_restarted(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([service("a", SLEEPER, alive=lambda: False, start_timeout_s=10.0), service("b", SLEEPER)])
    before = processes(tmp_path)
    soon, later = time.monotonic() + 5, time.monotonic() + 11
    for _ in range(5):
        supervisor.kill_silent(soon)  # still within the time it has for starting
    supervisor.kill_silent(later)
    supervisor.kill_silent(later)
    os.kill(before["a"]["pid"], 0)
    supervisor.kill_silent(later)
    pid = before["a"]["pid"]
    wait_until(
        lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2], 5, "death"
    )
    supervisor.watch_once(1000.0)
    supervisor.watch_once(1000.0)
    assert processes(tmp_path)["a"]["pid"] != pid
    assert processes(tmp_path)["b"]["pid"] == before["b"]["pid"]


def test_stopping_several_groups_keeps_to_one_deadline(supervisor: Supervisor, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("dcmm_portal.supervisor.runner.STOP_LIMIT_S", 0.6)
    logs = [tmp_path / f"{name}.log" for name in "abc"]
    supervisor.start(
        [service(log.stem, STUBBORN, healthy=lambda log=log: log.exists() and "up" in log.read_text()) for log in logs]
    )
    begun = time.monotonic()
    supervisor.stop_in_order([["a"], ["b"], ["c"]], {})
    assert time.monotonic() - begun < 3


def test_stop_runs_groups_in_order_with_what_comes_after(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([service("a", SLEEPER), service("b", SLEEPER)])
    seen: list[tuple[bool, bool]] = []
    supervisor.stop_in_order(
        [["a"], ["b"]], {"a": lambda: seen.append(("a" in supervisor.names(), "b" in supervisor.names()))}
    )
    assert seen == [(False, True)]
    assert supervisor.names() == []


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    child_pid = tmp_path / "pid"
    child = f"import os, pathlib, time\npathlib.Path({str(child_pid)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    parent_code = (
        "import subprocess, sys, time\nfrom dcmm_portal.supervisor.launch import tethered\n"
        f"subprocess.Popen([*tethered(), sys.executable, '-c', {child!r}])\ntime.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    wait_until(lambda: child_pid.exists() and child_pid.read_text() != "", 10, "the child's start")
    pid = int(child_pid.read_text())
    parent.kill()
    parent.wait(5)
    wait_until(
        lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2],
        5,
        "the child's end",
    )


def test_ports() -> None:
    import socket

    port = free_port()
    assert port_is_free(port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert not port_is_free(port)
