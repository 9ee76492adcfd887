"""What a browser test runs beside the web server: `stage` fills a database, `treasury` makes one up (with the owner's address),
`push` is the relay's live push, `clockwork` applies what is due."""

from __future__ import annotations

import asyncio
import base64
import hashlib
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
    from tests.e2e.told_history import plant
    from tests.pages import stage as on
    from tests.support.demo import declare_two_markets

    now = datetime.now(UTC)
    declare_two_markets(now)
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
    others = [("operator", Role.OPERATOR), ("auditor", Role.AUDITOR), ("administrator", Role.ADMINISTRATOR)]
    compliance = [("compliance", Role.COMPLIANCE), ("compliance-2", Role.COMPLIANCE)]
    for name, role in (*others, *approvers, *compliance):
        on.enrol(on.person(name, role, password=on.PASSWORD))
        add_recovery_codes(name, now)
    on.person("newcomer", Role.APPROVER, password=on.PASSWORD)
    on.add_fills(on.DEX, 14, now)
    on.add_fills(on.CEX, 5, now)
    on.add_minutes(on.DEX, 240, now)
    on.add_minutes(on.CEX, 60, now, two_sided=51)
    plant(now)


def treasury() -> None:
    from unittest.mock import patch

    from trading.treasury.demo import declare_demo_treasury

    # As in one of the owner's commands.
    with patch("dcmm_portal.checks.runs_as_owner", return_value=True):
        declare_demo_treasury(datetime.now(UTC))


def recovery_code(name: str, number: int) -> str:
    """A code known beforehand, so that browsers sign in as often as they like: an app's are good once in 30 s."""
    return base64.b32encode(hashlib.sha256(f"{name} {number}".encode()).digest()[:10]).decode().lower()


def add_recovery_codes(name: str, now: datetime) -> None:
    """A hundred of them for the person of that name."""
    from governance.models import RecoveryCode, User

    person = User.objects.get(username=name)
    codes = (recovery_code(name, n) for n in range(100))
    hashes = (hashlib.sha256(code.encode()).hexdigest() for code in codes)
    RecoveryCode.objects.bulk_create(RecoveryCode(person=person, code_hash=one, created_at=now) for one in hashes)


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
    {"stage": stage, "treasury": treasury, "push": push, "clockwork": clockwork}[sys.argv[1]]()
