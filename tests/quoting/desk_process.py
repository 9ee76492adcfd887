"""A desk in a process of its own: quotes the DEX market of the demonstration through a sandbox account, a line of JSON a cycle.

Its database and Redis are those of its environment. The first argument is JSON: base_url, key_id, secret, cycles, declare (make
the demonstration desk first) and freeze (stop this process with SIGSTOP once, between the last check and the wire).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any

import django

from trading.clock import SystemClock


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def main(wanted: dict[str, Any]) -> None:
    from tests.quoting.world import DEX, World
    from trading.quoting.cycle import run_cycle
    from trading.quoting.due import Due
    from trading.venues.credentials import Credential
    from trading.venues.ton_dex.adapter import TonDexVenue

    world = World(os.environ["REDIS_URL"], clock=SystemClock())

    def open_venue(markets, account, clock):
        return TonDexVenue(
            markets=markets, account=account, base_url=wanted["base_url"], clock=clock,
            credential=Credential(wanted["key_id"], wanted["secret"], ""),
        )  # fmt: skip

    worker = world.worker(wanted["name"])
    worker.open_venue = open_venue
    if wanted["declare"]:
        world.ready(DEX)
    await worker.governed.refresh()
    market = next(one for one in worker.governed.markets() if one.slug == DEX)
    if wanted["freeze"]:
        freeze_before_the_wire()
    for number in range(wanted["cycles"]):
        world.publish(DEX)
        now_ns = world.clock.now_ns()
        await run_cycle(worker, Due(market, now_ns + (number + 1) * 10**9, 1.0, now_ns))
        status = world.status()
        tell(outcome=status.outcome, reason=status.reason, args=status.sentence_args, epoch=status.epoch)
        await asyncio.sleep(0.25)
    await worker.close()


def freeze_before_the_wire() -> None:
    """Once, right after the guard let a request pass: as late as a process can be stopped before its bytes leave."""
    from trading.orders.guard import LeaseGuard

    passes = LeaseGuard.__call__

    def frozen(guard: LeaseGuard) -> None:
        LeaseGuard.__call__ = passes
        tell(frozen=guard.epoch)
        os.kill(os.getpid(), signal.SIGSTOP)
        passes(guard)

    LeaseGuard.__call__ = frozen


if __name__ == "__main__":
    django.setup()
    asked = json.loads(sys.argv[1])
    if asked["declare"]:
        from trading.clock import to_datetime
        from trading.registry.services import declare_demo_desk

        declare_demo_desk(to_datetime(SystemClock().now_ns()))
    asyncio.run(main(asked))
