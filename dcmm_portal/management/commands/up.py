"""Start the whole system, keep it running, stop it in order."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dcmm_portal.embedded import postgres
from dcmm_portal.embedded.postgres import EmbeddedServerError
from dcmm_portal.supervisor.launch import port_is_free
from dcmm_portal.supervisor.runner import StartFailed, Supervisor
from dcmm_portal.supervisor.system import System, running_supervisor

CANCEL_TIMEOUT_S = 5


class Command(BaseCommand):
    help = (
        "Starts every process in dependency order and restarts what dies; Ctrl-C stops all, own orders cancelled first."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        system = System.from_environment(settings.DATA_DIRECTORY, settings.PORT)
        system.prepare_folders()
        lock = self._lock(system.runtime_dir)
        if not port_is_free(system.port):
            raise CommandError(f"port {system.port} is in use; choose another: PORT={system.port + 1} make run")
        supervisor = Supervisor(system.runtime_dir, system.log_dir, system.metrics_dir)
        self._stop_on_signals(supervisor)
        begun_s = time.monotonic()
        try:
            self._start(system, supervisor)
            if not supervisor.stopping.is_set():
                self._announce(system, time.monotonic() - begun_s)
            supervisor.watch()
        except (StartFailed, EmbeddedServerError) as problem:
            if not supervisor.stopping.is_set():
                raise CommandError(str(problem)) from problem
        finally:
            supervisor.stopping.set()
            self._stop(system, supervisor)
            lock.unlink(missing_ok=True)

    def _lock(self, runtime_dir: Path) -> Path:
        """One supervisor per DATA_DIR; the lock goes with the process, however that ends."""
        path = runtime_dir / "up.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise CommandError(
                f"already running on this DATA_DIR (process {running_supervisor(runtime_dir)}): "
                "stop it with Ctrl-C, or choose another: DATA_DIR=... PORT=... make run"
            ) from problem
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"pid={os.getpid()}\n".encode())
        return path

    def _stop_on_signals(self, supervisor: Supervisor) -> None:
        def on_signal(number: int, frame: FrameType | None) -> None:
            supervisor.stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, on_signal)

    def _start(self, system: System, supervisor: Supervisor) -> None:
        if system.embeds_postgres and postgres.initialise(system.cluster):
            supervisor.say("supervisor", "created the database cluster")
        supervisor.start(system.stores())
        if system.embeds_postgres:
            postgres.create_roles(system.cluster, system.ports["postgres"])
            postgres.create_database(system.cluster, system.ports["postgres"])
        system.record()
        self._prepare(system, supervisor)
        supervisor.start(system.portal())

    def _prepare(self, system: System, supervisor: Supervisor) -> None:
        if not system.embeds_postgres and "DATABASE_OWNER_URL" not in system.given:
            supervisor.say(
                "supervisor", "DATABASE_OWNER_URL is not set: migrations are left to you (manage.py prepare)"
            )
            return
        done = system.manage("prepare", *(["--demo"] if system.runs_sandbox else []), owner=True)
        if done.returncode:
            raise StartFailed(f"preparing the database failed: {done.stderr.strip()[-1500:]}")
        for line in done.stdout.strip().splitlines():
            supervisor.say("prepare", line)

    def _announce(self, system: System, seconds: float) -> None:
        url = f"http://127.0.0.1:{system.port}"
        self.stdout.write("")
        self.stdout.write(f"ready: {url}")
        self.stdout.write(f"  started in {seconds:.1f} s; state and logs: {system.data_dir}")
        people = system.secrets_dir / "demo-people"
        if people.exists():
            self.stdout.write(f"  sign in at {url}/accounts/sign-in/ with a password and a code:")
            if system.is_demo:
                self.stdout.write(f"  {url}/demo/ shows the demonstration's people, their passwords and codes of now")
            self.stdout.write(f"  names, passwords and secrets for an authenticator app: {people}")
        self.stdout.write("try next:")
        self.stdout.write(
            f"  1. {url}/ is what the public sees; {url}/desk/ is the desk (sign in as operator, pause a market)"
        )
        self.stdout.write("  2. in another terminal: .venv/bin/python manage.py status")
        self.stdout.write("  3. .venv/bin/python manage.py reconcile compares the ledger with the venues' own records")
        self.stdout.flush()

    def _stop(self, system: System, supervisor: Supervisor) -> None:
        if not supervisor.names():
            return
        supervisor.say("supervisor", "stopping")
        begun_s = time.monotonic()
        after = {}
        if "worker-1" in supervisor.names():
            # It gets ready while the workers stop, and cancels once nobody can send any more.
            canceller = system.begin("cancel_all", "--on-line", "--timeout", "3")
            after = {"worker-1": lambda: self._cancel_orders(canceller, supervisor)}
        supervisor.stop_in_order(system.stop_order(), after)
        supervisor.say("supervisor", f"stopped in {time.monotonic() - begun_s:.1f} s")

    def _cancel_orders(self, canceller: subprocess.Popen[str], supervisor: Supervisor) -> None:
        try:
            output, _ = canceller.communicate("go\n", timeout=CANCEL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            canceller.kill()
            canceller.wait(5)
            supervisor.say("supervisor", "own orders could not be cancelled in time; the venues' timers cancel them")
            return
        for line in output.strip().splitlines()[-5:]:
            supervisor.say("cancel_all", line)
