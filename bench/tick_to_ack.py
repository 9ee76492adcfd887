"""From a book change on the venue to both replaced quotes acknowledged, beside a bare client making the same two signed calls.

The venue runs in a process of its own. One measurement: the recorded market moves; the adapter's stream tells; market_data's
view is written to Redis; then (the wait for the tick is left out) one cycle replaces both quotes through PostgreSQL, Redis and
the DEX adapter. Peers, in the same run and against the same venue: bare aiohttp amending two orders with the same signature
side by side, and ccxt's OKX client doing so on the CEX dialect.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import statistics
import time
from decimal import Decimal
from typing import Any

from bench.throwaway import venue_process

ROUNDS = 120
WARM_UP = 20
MID = Decimal("0.2700")
STEP = Decimal("0.00006")
HALF = Decimal("0.0010")


def run() -> list[dict[str, Any]]:
    """Rows of medians in milliseconds."""
    with venue_process() as (venue, pipe):
        measured = asyncio.run(_measure(venue, pipe))
    bare = statistics.median(measured["bare"])
    total = statistics.median(measured["total"])
    rows = [
        _row("tick_to_ack", total, "two signed calls, bare aiohttp", bare),
        _row(
            "tick_to_ack.cycle (start to both acknowledged)", statistics.median(measured["cycle"]), "bare aiohttp", bare
        ),
        _row("tick_to_ack.feed (book change to view in Redis)", statistics.median(measured["feed"])),
        _row("tick_to_ack.snapshot_to_sent", statistics.median(measured["to_sent"])),
    ]
    rows.append(_row("tick_to_ack.ccxt (two amends, CEX dialect)", asyncio.run(_ccxt())))
    return rows


def _row(name: str, value: float, peer: str = "", peer_value: float | None = None) -> dict[str, Any]:
    ratio = value / peer_value if peer_value else None
    return {"name": name, "value": value, "unit": "ms", "peer": peer, "peer_value": peer_value, "ratio": ratio}


async def _measure(venue: dict[str, str], pipe: Any) -> dict[str, list[float]]:
    from bench.desk import BenchDesk

    desk = await BenchDesk.open(venue)
    times: dict[str, list[float]] = {"total": [], "cycle": [], "feed": [], "to_sent": [], "bare": []}
    try:
        for number in range(ROUNDS + WARM_UP):
            mid = MID + (STEP if number % 2 else 0)
            pipe.send((str(mid - HALF), str(mid + HALF)))
            view_ns = await desk.next_view(mid)
            changed_ns = pipe.recv()
            started_ns = time.time_ns()
            sent = await desk.cycle()
            # Between them lies only the wait for the tick.
            if number >= WARM_UP:
                if [step.outcome for step in sent] != ["accepted", "accepted"]:
                    raise RuntimeError(f"the cycle did not replace both quotes: {sent}")
                acked_ns = max(step.answered_ns or 0 for step in sent)
                times["feed"].append((view_ns - changed_ns) / 1e6)
                times["cycle"].append((acked_ns - started_ns) / 1e6)
                times["total"].append((view_ns - changed_ns + acked_ns - started_ns) / 1e6)
                times["to_sent"].append((max(step.sent_ns or 0 for step in sent) - started_ns) / 1e6)
                times["bare"].append(await _bare_pair(desk, venue, number))
    finally:
        await desk.close()
    return times


async def _bare_pair(desk: Any, venue: dict[str, str], number: int) -> float:
    """The same two amends (to prices a little off and back) without anything of ours around them."""
    orders = await desk.own_orders()
    offset = Decimal("0.000001") * (1 + number % 2)
    began_ns = time.perf_counter_ns()
    await asyncio.gather(*(_bare_amend(desk.bare_session, venue, order, offset) for order in orders))
    return (time.perf_counter_ns() - began_ns) / 1e6


async def _bare_amend(session: Any, venue: dict[str, str], order: Any, offset: Decimal) -> None:
    price = order.price - offset if order.side == "buy" else order.price + offset
    body = json.dumps(
        {"client_order_id": order.client_order_id, "symbol": "DCT/USDT", "price": str(price),
         "size": str(order.size), "deadline_ms": time.time_ns() // 1_000_000 + 2000}
    ).encode()  # fmt: skip
    stamp = time.time_ns() // 1_000_000
    signed = hmac.new(venue["secret"].encode(), b"%d\nPUT\n/v1/orders\n%s" % (stamp, body), hashlib.sha256).hexdigest()
    headers = {"TDX-KEY": venue["key_id"], "TDX-TIMESTAMP": str(stamp), "TDX-SIGNATURE": signed}
    async with session.put(venue["base_url"] + "/v1/orders", data=body, headers=headers) as answer:
        if answer.status != 200:
            raise RuntimeError(f"the bare amend was refused: {await answer.text()}")
        await answer.read()


async def _ccxt() -> float:
    """Median of two amends side by side with ccxt's own client."""
    from bench.ccxt_peer import median_of_two_amends

    with venue_process("cex") as (venue, pipe):
        pipe.send(("1.49", "1.51"))
        pipe.recv()
        return await median_of_two_amends(venue, ROUNDS // 2)
