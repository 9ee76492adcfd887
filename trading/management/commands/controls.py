"""Show and change trading states from the shell of the machine itself."""

from __future__ import annotations

import getpass
import json
import uuid
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.clock import SystemClock, to_datetime
from trading.controls.selectors import effective_state
from trading.controls.services import Actor, ControlRefused, set_state
from trading.registry.selectors import active_markets

_STATES = {"pause": "paused", "reduce": "reducing", "resume": "active", "kill": "halted"}


class Command(BaseCommand):
    help = (
        "Without an action: the state in force on every market and what imposes it. With one: pause, reduce, resume or kill "
        "the desk or a market, with a reason. Whoever has a shell here acts as an operator under their login name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=sorted(_STATES))
        parser.add_argument("scope", nargs="?", default="desk", help="desk (default) or a market's slug")
        parser.add_argument("--reason", default="")
        parser.add_argument("--key", default="", help="idempotency key: the same key never acts twice")
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"]:
            self._change(options)
        else:
            self._show(options)

    def _change(self, options: dict[str, Any]) -> None:
        login = getpass.getuser()
        actor = Actor(f"shell:{login}", login, frozenset({"operator"}))
        try:
            result = set_state(
                options["scope"],
                _STATES[options["action"]],
                actor=actor,
                reason=options["reason"],
                idempotency_key=options["key"] or f"shell-{uuid.uuid4()}",
                now=to_datetime(SystemClock().now_ns()),
            )
        except ControlRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(f"{result.scope} is {result.state} (version {result.version})")

    def _show(self, options: dict[str, Any]) -> None:
        now = to_datetime(SystemClock().now_ns())
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
            for why in row["because"]:
                self.stdout.write(f"  {why}")
