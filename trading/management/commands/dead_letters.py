"""Read what was set aside, and send it through once more, from the shell of the machine itself."""

from __future__ import annotations

import getpass
import json
import uuid
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trading.clock import SystemClock, to_datetime
from trading.controls.services import Actor, ControlRefused
from trading.hot_state.connection import HotStateUnavailable
from trading.ledger.dead_letters import REFUSED, SHOWN, DeadLetter, letter_json, list_letters, read_letter, retry_letter


class Command(BaseCommand):
    help = (
        "list: what could not be booked or kept, newest first. show NAME: one as it was received. retry NAME --reason: send it "
        "the way it came once more (whoever has a shell here acts as an operator under their login name); status 1 where it "
        "is set aside as before."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", nargs="?", default="list", choices=("list", "show", "retry"))
        parser.add_argument(
            "name", nargs="?", default="", help="as list shows it: quarantine:7, inbox:1-0, decision:1-0"
        )
        parser.add_argument("--reason", default="")
        parser.add_argument("--key", default="", help="idempotency key: the same key never acts twice")
        parser.add_argument("--limit", type=int, default=SHOWN)
        parser.add_argument("--json", action="store_true", help="machine-readable answer")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "list":
                self._list(list_letters(max(1, options["limit"])), as_json=options["json"])
            elif not options["name"]:
                raise CommandError("Give the name of what was set aside; 'dead_letters list' shows them.")
            elif options["action"] == "show":
                self._show(read_letter(options["name"]), as_json=options["json"])
            else:
                self._retry(options)
        except ControlRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except HotStateUnavailable as problem:
            raise CommandError(f"Redis does not answer ({type(problem).__name__}): nothing was done.") from problem

    def _list(self, letters: tuple[DeadLetter, ...], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps([letter_json(one) for one in letters]))
            return
        for one in letters:
            self.stdout.write(f"{one.name}  {one.at:%Y-%m-%d %H:%M:%S}  {one.holds}  {one.reason}  {one.subject}")
        if not letters:
            self.stdout.write("nothing is set aside")

    def _show(self, letter: DeadLetter, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(letter_json(letter)))
            return
        self.stdout.write(
            f"{letter.name}: {letter.holds}, {letter.reason}, set aside at {letter.at:%Y-%m-%d %H:%M:%S} UTC"
        )
        self.stdout.write(letter.body)

    def _retry(self, options: dict[str, Any]) -> None:
        login = getpass.getuser()
        result = retry_letter(
            options["name"],
            actor=Actor(f"shell:{login}", login, frozenset({"operator"})),
            reason=options["reason"],
            idempotency_key=options["key"] or f"shell-{uuid.uuid4()}",
            now=to_datetime(SystemClock().now_ns()),
        )
        text = f"{result.letter}: {result.outcome}" + (f" ({result.reason})" if result.reason else "")
        self.stdout.write(json.dumps(asdict(result)) if options["json"] else text)
        if result.outcome == REFUSED:
            raise CommandError(f"{result.letter} is set aside as before.")
