"""What a browser test runs beside the web server: `stage` fills a database, `push` is the relay's live push, `clockwork`
applies what is due."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from datetime import UTC, datetime

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dcmm_portal.settings")


def stage() -> None:
    from governance.access.roles import Role
    from governance.review.policies import write_policy
    from governance.review.starting_policy import DEMO_TIMELOCK_S, starting_policy
    from tests.controls.green import compared
    from tests.pages import stage as on
    from trading.registry.services import declare_demo_desk

    now = datetime.now(UTC)
    declare_demo_desk(now)
    for slug in (on.DEX, on.CEX):
        compared(slug, now)  # resuming needs a fresh comparison with the venue
    write_policy(
        starting_policy(DEMO_TIMELOCK_S),
        authorised_by="genesis",
        actor_id="bootstrap",
        actor_name="bootstrap",
        reason="a minute between approval and effect",
        now=now,
    )
    approvers = [("approver", Role.APPROVER), ("approver-2", Role.APPROVER)]
    for name, role in (("operator", Role.OPERATOR), ("auditor", Role.AUDITOR), *approvers):
        on.enrol(on.person(name, role, password=on.PASSWORD))
    on.add_fills(on.DEX, 14, now)
    on.add_fills(on.CEX, 5, now)
    on.add_minutes(on.DEX, 240, now)
    on.add_minutes(on.CEX, 60, now, two_sided=51)
    on.add_day_ends(on.DEX, ["4.10", "9.75", "8.02", "14.60"], now)


def push() -> None:
    from trading.events.live import run

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await run(stop)

    asyncio.run(main())


def clockwork() -> None:
    from governance.review.clockwork import apply_due

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.wait(1.0):
        apply_due(datetime.now(UTC))


if __name__ == "__main__":
    import django

    django.setup()
    {"stage": stage, "push": push, "clockwork": clockwork}[sys.argv[1]]()
