"""Live fan-out: one web process, started as the supervisor starts it, tells 200, 1,000 and 3,000 public sockets one change a
second; beside it, in the same run and to clients of the same kind, a bare `websockets` server broadcasts as many bytes.

From publishing (ours: the message to the Channels group, so that Valkey, the publication policy and the making of the message
are inside; the peer: the call of `broadcast`) to each client's receipt. Both are told in turn. Clients offer no compression, with
which the peer is at its fastest. Target: p99 at most 2 times the peer's up to 1,000 sockets; 3,000 must work.
`DCMM_BENCH_SOCKETS` names other numbers, `DCMM_BENCH_ROUNDS` the messages of each.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

COUNTS = tuple(int(one) for one in os.environ.get("DCMM_BENCH_SOCKETS", "200,1000,3000").split(","))
ROUNDS = int(os.environ.get("DCMM_BENCH_ROUNDS", "20"))
EVERY_S, SETTLE_S = 1.0, 1.0
BASE_DIR = Path(__file__).resolve().parent.parent
PATH = "/ws/public/"
Receipts = dict[int, list[int]]


@dataclass(frozen=True, slots=True)
class Side:
    """A server to compare: where its sockets are, and what tells them message n and answers with the time (ns, monotonic)."""

    address: str
    path: str
    publish: Callable[[int], int]


def run() -> list[dict[str, Any]]:
    """Rows of results. A process of its own: it starts servers."""
    command = [sys.executable, "-m", "bench.live_fanout"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"the benchmark of the fan-out failed:\n{done.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


@contextmanager
def process(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A Python process with pipes, ended at the end."""
    started = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()


@contextmanager
def web_server() -> Iterator[tuple[str, int]]:
    """Our web server, as the supervisor starts it but for the limit of one address; its address and process id."""
    from dcmm_portal.supervisor.launch import free_port
    from dcmm_portal.supervisor.system import web_arguments
    from tests.support.servers import wait_until

    port = free_port()
    environment = os.environ | {
        "SOCKETS_PER_ADDRESS": "100000",
        "SOCKETS_OPENED_PER_MIN": "1000000",
        "SOCKETS_MAX": "10000",
    }
    with process(*web_arguments("127.0.0.1", port), environment=environment) as web:
        wait_until(lambda: answers(port), 40, "the web server")
        yield f"127.0.0.1:{port}", web.pid


def answers(port: int) -> bool:
    """The web server is there."""
    from urllib.request import urlopen

    try:
        return bool(urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).status == 200)
    except OSError:
        return False


async def bare(body: str) -> None:
    """The peer: prints its port, then broadcasts `body` with another number for each line of standard input, answering each with
    the time.
    """
    from websockets.asyncio.server import broadcast, serve

    from bench.live_clients import price

    connections = set()

    async def talk(connection: Any) -> None:
        connections.add(connection)
        await connection.send(body)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    loop = asyncio.get_running_loop()
    async with serve(talk, "127.0.0.1", 0, backlog=2048) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            text = body.replace(price(0), price(int(line)))
            now_ns = time.monotonic_ns()
            broadcast(connections, text)
            print(now_ns, flush=True)


@contextmanager
def clients(address: str, path: str, count: int) -> Iterator[Callable[[], Receipts]]:
    """`count` connected clients; call what is yielded to end them and learn what they heard."""
    with (
        TemporaryDirectory() as folder,
        process("-m", "bench.live_clients", address, path, str(count), f"{folder}/heard.json") as started,
    ):
        assert started.stdout and started.stdin
        line = started.stdout.readline()
        if line.split() != ["ready", str(count)]:
            raise RuntimeError(f"the clients did not connect: {line}")

        def heard() -> Receipts:
            started.stdin.close()
            started.wait(60)
            found = json.loads(Path(folder, "heard.json").read_text())
            return {int(number): times for number, times in found.items()}

        yield heard


def delays_ms(sent: dict[int, int], received: Receipts, count: int) -> list[float]:
    """Sorted milliseconds from publishing to receipt. Raises if a client missed a message."""
    for number in sent:
        if len(received.get(number, ())) != count:
            raise RuntimeError(f"message {number} reached {len(received.get(number, ()))} of {count} clients")
    return sorted((at - sent[number]) / 1e6 for number in sent for at in received[number])


def compared(count: int, numbers: range, ours: Side, theirs: Side) -> tuple[list[float], list[float]]:
    """Delays of both with `count` sockets each, told in turn, half a second apart: what else the machine does falls on both."""
    sent: tuple[dict[int, int], dict[int, int]] = ({}, {})
    with (
        clients(ours.address, ours.path, count) as our_receipts,
        clients(theirs.address, theirs.path, count) as their_receipts,
    ):
        # While the clients connected nothing was published: the first message ends that silence.
        for side in (ours, theirs):
            side.publish(0)
        time.sleep(SETTLE_S)
        for number in numbers:
            for side, times in zip((ours, theirs), sent, strict=True):
                began_s = time.monotonic()
                times[number] = side.publish(number)
                time.sleep(max(0.0, EVERY_S / 2 - (time.monotonic() - began_s)))
        time.sleep(SETTLE_S)
        received = our_receipts(), their_receipts()
    return delays_ms(sent[0], received[0], count), delays_ms(sent[1], received[1], count)


class Publisher:
    """Publishes as the live push does: the hot state moves, then the Channels group is told."""

    def __init__(self) -> None:
        from channels.layers import get_channel_layer

        self._loop, self._layer = asyncio.new_event_loop(), get_channel_layer()

    def __call__(self, number: int) -> int:
        """The time just before the group was told."""
        from bench.live_clients import price
        from tests.pages import stage
        from trading.events.live import GROUP, market_message
        from trading.selectors import market_status

        stage.hot_market(stage.DEX, time.time_ns(), mid=Decimal(price(number)))
        message = market_message(market_status(stage.DEX, time.time_ns()))
        now_ns = time.monotonic_ns()
        self._loop.run_until_complete(self._layer.group_send(GROUP, message))
        return now_ns

    def close(self) -> None:
        """Close its connection to Valkey."""
        self._loop.run_until_complete(self._layer.flush())
        self._loop.close()


def rows_of(count: int, ours: list[float], theirs: list[float]) -> list[dict[str, Any]]:
    """Median and 99th percentile beside the peer's."""
    rows = []
    for word, share in (("p50", 0.50), ("p99", 0.99)):
        value, peer = (found[int(len(found) * share)] for found in (ours, theirs))
        row = {"name": f"live fan-out to {count} sockets: {word}", "value": value, "unit": "ms"}
        rows.append(row | {"peer": "websockets.broadcast", "peer_value": peer, "ratio": value / peer})
    return rows


def body_of() -> str:
    """What the socket tells of a market, with the price of message 0."""
    from bench.live_clients import price
    from disclosures.live.reading import read_public
    from tests.pages import stage

    status = read_public().forms[stage.DEX]
    return json.dumps({"type": "market", "market": stage.DEX, "status": status | {"mid": price(0)}})


def measured() -> list[dict[str, Any]]:
    """Rows for every number of sockets."""
    body, publisher, rows = body_of(), Publisher(), []
    with web_server() as (address, pid), process("-m", "bench.live_fanout", "bare", body) as peer:
        assert peer.stdin and peer.stdout
        peer_address = f"127.0.0.1:{int(peer.stdout.readline())}"

        def broadcast(number: int) -> int:
            print(number, file=peer.stdin, flush=True)
            return int(peer.stdout.readline())

        for turn, count in enumerate(COUNTS):
            # Never a number twice: the last price of one turn is in the first snapshot of the next.
            numbers = range(turn * ROUNDS + 1, (turn + 1) * ROUNDS + 1)
            rows += rows_of(
                count, *compared(count, numbers, Side(address, PATH, publisher), Side(peer_address, "/", broadcast))
            )
            row = {"name": f"live fan-out to {count} sockets: memory after", "value": memory_mb(pid), "unit": "MB"}
            rows.append(row)
    publisher.close()
    return rows


def memory_mb(pid: int) -> float:
    """Resident memory of a process (the web server's, once so many sockets were open)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main() -> None:
    """Measure, and print the rows as JSON."""
    from bench import throwaway
    from bench.live_clients import allow_open_files, price

    allow_open_files()
    try:
        from datetime import UTC, datetime

        from tests.pages import stage
        from tests.support.demo import declare_two_markets

        throwaway.emptied()
        declare_two_markets(datetime.now(UTC))
        for slug in (stage.DEX, stage.CEX):
            stage.hot_market(slug, time.time_ns(), mid=Decimal(price(0)))
        print(json.dumps(measured()))
    finally:
        throwaway.stop_servers()


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        import uvloop

        from bench.live_clients import allow_open_files

        allow_open_files()
        uvloop.run(bare(sys.argv[2]))
    else:
        main()
