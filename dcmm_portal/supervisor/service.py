"""What a supervised process is, and one running instance of it."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Service:
    """A process of the system. `healthy` is asked until true after a start, within `start_timeout_s`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    healthy: Callable[[], bool]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 4.0
    start_timeout_s: float = 60.0
    counts_metrics: bool = False
    # Asked now and then while it runs: False three times in a row means that it hangs. True where it can't be known.
    alive: Callable[[], bool] = lambda: True


@dataclass
class Running:
    """One instance. `failures` counts deaths in a row, for the back-off; it is forgotten after a healthy minute."""

    service: Service
    process: subprocess.Popen[str]
    started_s: float
    failures: int = 0
    silent: int = 0
    reader: threading.Thread | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None


def spawn(service: Service, now_s: float, console: Callable[[str, str], None], log_dir: Path) -> Running:
    """Start `service` tied to this process; each line it prints goes to `console(name, line)` and to its log file."""
    process = subprocess.Popen(
        list(service.command),
        env=dict(service.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone, which stops in order
    )
    running = Running(service, process, now_s)
    log_path = log_dir / f"{service.name}.log"
    assert process.stdout is not None
    running.reader = threading.Thread(
        target=_copy_lines, args=(service.name, process.stdout, console, log_path), daemon=True
    )
    running.reader.start()
    return running


LOG_LIMIT_BYTES = 20_000_000


def _copy_lines(name: str, source: IO[str], console: Callable[[str, str], None], log_path: Path) -> None:
    log = log_path.open("a", encoding="utf-8")
    try:
        for line in source:
            log.write(line)
            log.flush()
            console(name, line.rstrip("\n"))
            if log.tell() > LOG_LIMIT_BYTES:
                log.close()
                log_path.replace(log_path.with_suffix(".log.1"))
                log = log_path.open("a", encoding="utf-8")
    finally:
        log.close()


def stop(instances: Sequence[Running], clock_s: Callable[[], float], limit_s: float) -> list[str]:
    """Ask all `instances` to stop at once and wait for each, together no longer than `limit_s`; kill what does not.

    Returns the names that had to be killed.
    """
    alive = [instance for instance in instances if instance.is_up]
    for instance in alive:
        instance.process.send_signal(instance.service.stop_signal)
    killed = []
    begun_s = clock_s()
    for instance in alive:
        remaining_s = max(0.1, min(limit_s, instance.service.stop_timeout_s) - (clock_s() - begun_s))
        try:
            instance.process.wait(remaining_s)
        except subprocess.TimeoutExpired:
            instance.process.kill()
            instance.process.wait(5)
            killed.append(instance.service.name)
    return killed
