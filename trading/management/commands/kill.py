"""`manage.py kill`: the kill switch from the shell, also when our own processes or PostgreSQL are away."""

from __future__ import annotations

import getpass
import json
import time
import uuid
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from trading.clock import SystemClock, to_datetime
from trading.controls.announce import announce_tightening
from trading.controls.commands import DESK, OPERATOR, Actor
from trading.controls.kill import KillResult, kill_switch
from trading.controls.services import ControlRefused
from trading.management.signing_in import signed_in
from trading.orders.direct import cancel_directly
from trading.risk.states import TradingState

RETRY_EVERY_S = 2.0


class Command(BaseCommand):
    help = (
        "Kills the desk or a market: the gate is closed, then every order cancelled until the venues show none. Whoever has a "
        "shell here acts as an operator under their login name, or with --as as the operator they are in the portal, who then "
        "gets a draft back to the parameters of before. While PostgreSQL is away nothing can be placed; the command then "
        "waits for it and closes the gate as soon as it is back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("scope", nargs="?", default=DESK, help="desk (default) or a market's slug")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--as", dest="username", default="", help="user of the portal; password and code are read, not given"
        )
        parser.add_argument("--key", default="", help="idempotency key: the same key never acts twice")
        parser.add_argument("--wait", type=float, default=600.0, help="seconds to wait for PostgreSQL (default 600)")
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        key = options["key"] or f"shell-{uuid.uuid4()}"
        deadline_s = time.monotonic() + options["wait"]
        actor = self._actor(options["username"])
        while True:
            try:
                self._tell(self._kill(options, key, actor), options)
            except ControlRefused as refusal:
                raise CommandError(str(refusal)) from refusal
            except DatabaseError as problem:
                connection.close()
                self._announce(options["scope"], type(problem).__name__)
                if time.monotonic() > deadline_s:
                    raise CommandError(
                        "The gate could not be written: PostgreSQL does not answer. While it is away nothing is placed, and the "
                        "venues' timers cancel what rests; run this again until it says that the gate is closed."
                    ) from problem
                time.sleep(RETRY_EVERY_S)
            else:
                return

    def _actor(self, username: str) -> Actor:
        """Who is at the shell. While PostgreSQL is away nobody can sign in, and a kill does not wait for that."""
        login = getpass.getuser()
        at_shell = Actor(f"shell:{login}", login, frozenset({OPERATOR}))
        if not username:
            return at_shell
        try:
            return signed_in(username)
        except DatabaseError as problem:
            connection.close()
            self.stderr.write(
                f"PostgreSQL does not answer ({type(problem).__name__}): killing under the login name {login}"
            )
            return at_shell

    def _kill(self, options: dict[str, Any], key: str, actor: Actor) -> KillResult:
        return kill_switch(
            options["scope"],
            actor=actor,
            reason=options["reason"],
            idempotency_key=key,
            now=to_datetime(SystemClock().now_ns()),
            cancel_directly=cancel_directly,
        )

    def _announce(self, scope: str, problem: str) -> None:
        """Those who trade hear of it through Redis; the watchdog then takes the orders off."""
        announce_tightening(scope, TradingState.HALTED, to_datetime(SystemClock().now_ns()))
        self.stderr.write(f"PostgreSQL does not answer ({problem}): the gate is not written yet, trying again")

    def _tell(self, result: KillResult, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result) | {"is_clear": result.is_clear}))
        else:
            for one in result.markets:
                rest = "not known" if one.resting is None else f"{one.resting} rest"
                self.stdout.write(f"{one.slug}: {one.cancelled} cancelled, {rest} ({one.by})")
            self.stdout.write(f"{options['scope']} is halted; done in {result.took_s:.2f} s")
        if not result.is_clear:
            raise CommandError(
                "not every venue confirmed that nothing rests (see above); they are asked again and again"
            )
