"""Show and change trading states from the shell of the machine itself."""

from __future__ import annotations

import getpass
import json
import uuid
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.desk.commands import StateChange, change_state_at_shell
from governance.models import User
from trading.clock import SystemClock, to_datetime
from trading.controls.selectors import effective_state
from trading.controls.services import ControlRefused
from trading.management.signing_in import signed_in
from trading.registry.selectors import active_markets

_STATES = {"pause": "PAUSED", "reduce": "REDUCING", "resume": "ACTIVE", "kill": "HALTED"}
_SIGN_IN = "Sign in with --as NAME: password and code are read, not given."


def _now() -> datetime:
    return to_datetime(SystemClock().now_ns())


class Command(BaseCommand):
    help = (
        "Without an action: the state in force on every market and what imposes it. With one: pause, reduce, resume or kill "
        "the desk or a market, with a reason. Whoever has a shell here tightens at once, under their login name. What loosens "
        "needs an operator of the portal, with password and a fresh code: --as NAME. What two people must end is proposed and "
        "voted on in the portal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=sorted(_STATES))
        parser.add_argument("scope", nargs="?", default="desk", help="desk (default) or a market's slug")
        parser.add_argument("--reason", default="")
        parser.add_argument(
            "--as", dest="username", default="", help="user of the portal; password and code are read, not given"
        )
        parser.add_argument("--key", default="", help="idempotency key: the same key never acts twice")
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"]:
            self._change(options)
        else:
            self._show(options)

    def _change(self, options: dict[str, Any]) -> None:
        key = options["key"] or f"shell-{uuid.uuid4()}"
        change = StateChange(options["scope"], _STATES[options["action"]], options["reason"], key)
        name = options["username"]
        person = User.objects.get(pk=signed_in(name).id) if name else None
        try:
            result = change_state_at_shell(change, person, getpass.getuser())
        except ControlRefused as refusal:
            hint = f" {_SIGN_IN}" if refusal.code == "loosens" else ""
            raise CommandError(f"{refusal}{hint}") from refusal
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(f"{result.scope} is {result.state} (version {result.version})")

    def _show(self, options: dict[str, Any]) -> None:
        now = _now()
        rows = []
        for market in active_markets():
            state, imposing = effective_state(market.slug, now)
            why = [f"{one.scope} {one.rule}: {one.reason}" for one in imposing]
            rows.append({"market": market.slug, "state": state.name, "because": why})
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(f"{row['market']}: {row['state']}")
            for line in row["because"]:
                self.stdout.write(f"  {line}")
