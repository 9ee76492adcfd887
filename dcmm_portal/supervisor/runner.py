"""The supervisor's loop: start in order, watch, restart with back-off, stop in order."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import multiprocess

from dcmm_portal.supervisor.service import Running, Service, spawn, stop

WATCH_INTERVAL_S = 0.2
BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
HEALTHY_AFTER_S = 60.0
ALIVE_EVERY_S = 5.0
SILENT_LIMIT = 3
STOP_LIMIT_S = 11.0


class StartFailed(Exception):
    """A process did not become healthy; the message names it and where its log is."""


class Supervisor:
    """Holds the running instances, in start order. All methods run in the main thread: children are tied to it."""

    def __init__(self, runtime_dir: Path, log_dir: Path, metrics_dir: Path) -> None:
        self.stopping = threading.Event()
        self._runtime_dir = runtime_dir
        self._log_dir = log_dir
        self._metrics_dir = metrics_dir
        self._instances: dict[str, Running] = {}
        self._restart_at_s: dict[str, float] = {}
        self._console_lock = threading.Lock()
        self._asked_alive_s = 0.0

    def say(self, name: str, line: str) -> None:
        """One prefixed line on the console; a closed terminal is no reason to stop trading."""
        try:
            with self._console_lock:
                sys.stdout.write(f"{name:<12} | {line}\n")
                sys.stdout.flush()
        except (BrokenPipeError, ValueError):
            return

    def start(self, services: Sequence[Service]) -> None:
        """Start all of `services` at once and wait until each is healthy. Raises `StartFailed`."""
        for service in services:
            self._spawn(service)
        for service in services:
            self._await_health(service)

    def _spawn(self, service: Service, failures: int = 0) -> None:
        instance = spawn(service, time.monotonic(), self.say, self._log_dir)
        instance.failures = failures
        self._instances[service.name] = instance
        self.write_processes()

    def _await_health(self, service: Service) -> None:
        instance = self._instances[service.name]
        deadline_s = time.monotonic() + service.start_timeout_s
        while not service.healthy():
            log = self._log_dir / f"{service.name}.log"
            if not instance.is_up:
                raise StartFailed(f"{service.name} ended with status {instance.process.returncode}; see {log}")
            if time.monotonic() > deadline_s:
                raise StartFailed(f"{service.name} is not healthy after {service.start_timeout_s:.0f} s; see {log}")
            if self.stopping.wait(0.05):
                raise StartFailed("stopped while starting")

    def watch(self) -> None:
        """Restart whatever dies until told to stop."""
        while not self.stopping.wait(WATCH_INTERVAL_S):
            self.watch_once(time.monotonic())
            if time.monotonic() - self._asked_alive_s > ALIVE_EVERY_S:
                self._asked_alive_s = time.monotonic()
                self.kill_silent(self._asked_alive_s)

    def kill_silent(self, now_s: float) -> None:
        """Kill what runs but has not shown life three times in a row: a process that hangs is as good as dead."""
        for name, instance in list(self._instances.items()):
            if not instance.is_up or now_s - instance.started_s < instance.service.start_timeout_s:
                continue
            instance.silent = 0 if instance.service.alive() else instance.silent + 1
            if instance.silent >= SILENT_LIMIT:
                self.say("supervisor", f"{name} shows no life; killed, to be restarted")
                instance.process.kill()

    def watch_once(self, now_s: float) -> None:
        """One look at every process: note deaths, restart those whose back-off is over."""
        for name, instance in list(self._instances.items()):
            if instance.is_up:
                if now_s - instance.started_s > HEALTHY_AFTER_S:
                    instance.failures = 0
            elif name not in self._restart_at_s:
                self._note_death(instance, now_s)
            elif now_s >= self._restart_at_s[name]:
                del self._restart_at_s[name]
                self._spawn(instance.service, instance.failures + 1)

    def _note_death(self, instance: Running, now_s: float) -> None:
        wait_s = BACK_OFF_S[min(instance.failures, len(BACK_OFF_S) - 1)]
        self._restart_at_s[instance.service.name] = now_s + wait_s
        self.say(
            "supervisor",
            f"{instance.service.name} ended with status {instance.process.returncode}; restart in {wait_s} s",
        )
        if instance.service.counts_metrics:
            multiprocess.mark_process_dead(instance.pid, path=str(self._metrics_dir))
        self.write_processes()

    def stop_named(self, names: Sequence[str], limit_s: float = STOP_LIMIT_S) -> None:
        """Stop these processes together within `limit_s`; they are not restarted any more."""
        chosen = [self._instances.pop(name) for name in names if name in self._instances]
        for name in names:
            self._restart_at_s.pop(name, None)
        killed = stop(chosen, time.monotonic, limit_s)
        if killed:
            self.say("supervisor", f"did not stop in time and were killed: {', '.join(killed)}")
        self.write_processes()

    def stop_in_order(self, groups: Sequence[Sequence[str]], after: dict[str, Callable[[], None]]) -> None:
        """Stop group after group, all within `STOP_LIMIT_S`; `after[name]` runs once the group that holds `name` has stopped."""
        deadline_s = time.monotonic() + STOP_LIMIT_S
        for group in groups:
            begun_s = time.monotonic()
            self.stop_named(group, max(0.2, deadline_s - begun_s))
            self.say("supervisor", f"{', '.join(group)}: stopped in {time.monotonic() - begun_s:.1f} s")
            for name in group:
                if name in after:
                    after[name]()
        self.stop_named(list(self._instances), max(0.2, deadline_s - time.monotonic()))

    def names(self) -> list[str]:
        return list(self._instances)

    def write_processes(self) -> None:
        """Record names, pids and liveness for `manage.py status`."""
        rows = [{"name": name, "pid": item.pid, "up": item.is_up} for name, item in self._instances.items()]
        rows.insert(0, {"name": "supervisor", "pid": os.getpid(), "up": not self.stopping.is_set()})
        path = self._runtime_dir / "processes.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(rows))
        temporary.replace(path)
