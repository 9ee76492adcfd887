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

from trading.clock import SystemClock, to_datetime
from trading.controls.resume import confirm_resume, refuse_resume, request_resume
from trading.controls.selectors import effective_state, pending_requests
from trading.controls.services import Actor, ControlRefused, set_state
from trading.management.signing_in import signed_in
from trading.registry.selectors import active_markets

_STATES = {"pause": "paused", "reduce": "reducing", "resume": "active", "kill": "halted"}
_TWO_PEOPLE = ("ask", "confirm", "refuse")


def _now() -> datetime:
    return to_datetime(SystemClock().now_ns())


class Command(BaseCommand):
    help = (
        "Without an action: the state in force on every market and what imposes it. With one: pause, reduce, resume or kill "
        "the desk or a market, with a reason. Whoever has a shell here acts as an operator under their login name; what two "
        "people must end (ask, confirm, refuse) needs the password and a fresh code of a user of the portal: --as NAME. "
        "'requests' lists what waits."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", choices=sorted([*_STATES, *_TWO_PEOPLE, "requests"]))
        parser.add_argument(
            "scope", nargs="?", default="desk", help="desk (default), a market's slug, or a request's number"
        )
        parser.add_argument("--reason", default="")
        parser.add_argument("--rule", default="kill", help="what to ask for: kill (default) or the rule of a lock")
        parser.add_argument(
            "--as", dest="username", default="", help="user of the portal; password and code are read, not given"
        )
        parser.add_argument("--key", default="", help="idempotency key: the same key never acts twice")
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "requests":
            for one in pending_requests(_now()):
                why = f"{one.asked_by_name}: {one.reason} (until {one.expires_at:%H:%M:%S} UTC)"
                self.stdout.write(f"{one.pk} {one.scope} {one.rule}, {why}")
        elif options["action"] in _TWO_PEOPLE:
            self._two_people(options)
        elif options["action"]:
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
                now=_now(),
            )
        except ControlRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(f"{result.scope} is {result.state} (version {result.version})")

    def _two_people(self, options: dict[str, Any]) -> None:
        person = signed_in(options["username"])
        given: dict[str, Any] = {
            "reason": options["reason"],
            "idempotency_key": options["key"] or f"shell-{uuid.uuid4()}",
            "now": _now(),
        }
        try:
            if options["action"] == "ask":
                result = request_resume(options["scope"], options["rule"], operator=person, **given)
            elif not options["scope"].isdecimal():
                raise CommandError("Give the number of the request; 'controls requests' lists them.")
            else:
                decide = confirm_resume if options["action"] == "confirm" else refuse_resume
                result = decide(int(options["scope"]), approver=person, **given)
        except ControlRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(f"request {result.request}: {result.outcome}; {result.scope} is {result.state}")

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
