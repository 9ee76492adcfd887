"""The venue as a process: starts with a line, keeps what it answered through kill -9, stops in order, refuses nonsense."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from tests.sandbox.server.desk import Desk

SECRET = "a-secret-for-the-process"


class Process:
    """One venue process and a client of it."""

    def __init__(self, child: asyncio.subprocess.Process, line: str) -> None:
        self.child = child
        self.line = line
        self.base_url = line.rsplit(" ", 1)[-1].strip()
        self.key_id, self.secret = "desk", SECRET

    async def end(self, number: signal.Signals) -> int:
        self.child.send_signal(number)
        return await asyncio.wait_for(self.child.wait(), 10)


async def start(data_dir: Path, *options: str, **environ: str) -> asyncio.subprocess.Process:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("SANDBOX_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trading.sandbox.server",
        *("--data-dir", str(data_dir), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**inherited, **environ},
    )


async def serving(data_dir: Path, *options: str, **environ: str) -> Process:
    child = await start(data_dir, "--venue", "dex", *options, SANDBOX_API_SECRET=SECRET, **environ)
    line = (await asyncio.wait_for(child.stdout.readline(), 20)).decode()
    assert line.startswith("sandbox_venue dex listening on http://127.0.0.1:"), (await child.stderr.read()).decode()
    return Process(child, line)


def client(http: aiohttp.ClientSession, process: Process) -> Desk:
    return Desk(http, process)


async def best_bid(desk: Desk) -> float:
    _, book = await desk.call("GET", "/v1/book?symbol=DCT%2FUSDT&depth=1")
    return float(book["bids"][0][0])


async def test_it_plays_the_record_and_survives_kill_9(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    port_file = tmp_path / "port"
    first = await serving(tmp_path / "data", "--port-file", str(port_file))
    assert first.base_url.endswith(":" + port_file.read_text().strip())
    desk = client(http, first)
    async with http.get(first.base_url + "/healthz") as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "ok")
    _, markets = await desk.call("GET", "/v1/markets")
    assert "rescaled" in markets["markets"][0]["label"]
    price = f"{await best_bid(desk) * 0.97:.6f}"
    status, answer = await desk.place("kept", price=price)
    assert status == 200
    _, transfers = await desk.call("GET", "/v1/transfers")
    await first.end(signal.SIGKILL)

    second = await serving(tmp_path / "data")
    desk = client(http, second)
    _, found = await desk.call("GET", "/v1/order?client_order_id=kept")
    assert (found["order"]["order_id"], found["order"]["status"]) == (answer["order"]["order_id"], "open")
    assert (await desk.call("GET", "/v1/transfers"))[1] == transfers  # first deposits are booked once, ever
    assert await second.end(signal.SIGTERM) == 0


async def fundings(desk: Desk, after: int, count: int) -> list[dict]:
    """The payments after a cursor, once there are so many."""
    async with asyncio.timeout(20):
        while True:
            status, answer = await desk.call("GET", f"/v1/funding?after={after}")
            if status == 200 and len(answer["funding"]) >= count:
                return answer["funding"]
            await asyncio.sleep(0.1)


async def test_a_perpetual_pays_funding_once_a_time_through_kill_9(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    options = ("--markets", "ETH/USDT:USDT", "--rate-scale", "0")
    first = await serving(tmp_path / "data", *options, SANDBOX_FUNDING_INTERVAL_S="1")
    desk = client(http, first)
    _, book = await desk.call("GET", "/v1/book?symbol=ETH%2FUSDT%3AUSDT&depth=50")
    order = {"symbol": "ETH/USDT:USDT", "type": "ioc", "price": book["asks"][-1][0], "size": "1.00"}
    status, answer = await desk.place("opens", **order)
    assert (status, answer["order"]["status"]) == (200, "filled")
    before = await fundings(desk, 0, 2)
    await first.end(signal.SIGKILL)
    back_ms = before[-1]["funding_ms"] + 3_000
    while time.time() * 1000 < back_ms:  # funding times pass while nobody is there
        await asyncio.sleep(0.05)

    second = await serving(tmp_path / "data", *options, SANDBOX_FUNDING_INTERVAL_S="1")
    desk = client(http, second)
    rows = await fundings(desk, 0, len(before) + 2)
    assert rows[: len(before)] == before
    times = [row["funding_ms"] for row in rows]
    assert times == sorted(set(times))
    late = [when for when in times if when > before[-1]["funding_ms"]]
    assert late[0] >= back_ms  # one payment for all of them, with the last time
    _, export = await desk.call("GET", "/v1/export")
    wallet = 50_000 + sum(float(row["amount"]) for row in export["funding"])
    wallet += sum(float(row["realised_pnl"]) - float(row["fee"]) for row in export["fills"])
    assert float(export["balances"][0]["total"]) == pytest.approx(wallet, abs=1e-7)
    assert await second.end(signal.SIGTERM) == 0


async def test_an_open_stream_does_not_hold_up_the_stop(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    process = await serving(tmp_path / "data")
    stream_url = process.base_url.replace("http", "ws") + "/v1/stream"
    async with http.ws_connect(stream_url) as stream:
        await stream.send_json({"op": "subscribe", "channel": "book", "symbol": "DCT/USDT"})
        assert (await stream.receive_json(timeout=3))["type"] == "subscribed"
        reader = asyncio.create_task(drain(stream))
        assert await process.end(signal.SIGINT) == 0
        assert await asyncio.wait_for(reader, 5) == 1001


async def test_one_process_per_ledger(tmp_path: Path) -> None:
    first = await serving(tmp_path / "data")
    child = await start(tmp_path / "data", "--venue", "dex", SANDBOX_API_SECRET=SECRET)
    _, told = await asyncio.wait_for(child.communicate(), 20)
    assert (child.returncode, "is in use by another venue process" in told.decode()) == (2, True)
    assert await first.end(signal.SIGTERM) == 0


async def drain(stream: aiohttp.ClientWebSocketResponse) -> int | None:
    async for _ in stream:
        pass
    return stream.close_code


@pytest.mark.parametrize(
    ("options", "environ", "message"),
    [
        (("--venue", "dex"), {}, "SANDBOX_API_SECRET or SANDBOX_API_SECRET_FILE must be set"),
        (("--venue", "dex"), {"SANDBOX_API_SECRET": "short"}, "SANDBOX_API_SECRET is too short"),
        (("--venue", "dex"), {"SANDBOX_API_SECRET_FILE": "/nonexistent"}, "SANDBOX_API_SECRET_FILE: cannot read"),
        (("--venue", "cex"), {"SANDBOX_API_SECRET": SECRET}, "SANDBOX_API_PASSPHRASE"),
        (("--venue", "moon"), {"SANDBOX_API_SECRET": SECRET}, "must be one of dex, cex"),
        (("--venue", "dex", "--markets", "DCT/USDT,NO/WHERE"), {"SANDBOX_API_SECRET": SECRET}, "not 'NO/WHERE'"),
        (("--venue", "dex"), {"SANDBOX_API_SECRET": SECRET, "SANDBOX_FUNDING_INTERVAL_S": "0"}, "FUNDING_INTERVAL_S"),
        (("--venue", "dex"), {"SANDBOX_API_SECRET": SECRET, "SANDBOX_FUNDING_INTERVAL_S": "1.5"}, "FUNDING_INTERVAL_S"),
        (
            ("--venue", "dex"),
            {"SANDBOX_API_SECRET": SECRET, "SANDBOX_FUNDING_INTERVAL_S": "28801"},
            "FUNDING_INTERVAL_S",
        ),
        (("--venue", "dex", "--port", "99999"), {"SANDBOX_API_SECRET": SECRET}, "--port"),
        (("--venue", "dex", "--replay-offset-s", "nan"), {"SANDBOX_API_SECRET": SECRET}, "--replay-offset-s"),
        (("--venue", "dex"), {"SANDBOX_API_SECRET": SECRET, "SANDBOX_WEBHOOK_URL": "x"}, "SANDBOX_WEBHOOK"),
    ],
)
def test_a_wrong_configuration_is_one_clear_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], environ: dict[str, str], message: str
) -> None:
    from argparse import ArgumentParser

    from trading.sandbox.server.app import main
    from trading.sandbox.server.settings import add_arguments

    parser = ArgumentParser()
    add_arguments(parser)
    given = vars(parser.parse_args([*options, "--data-dir", str(tmp_path)]))
    assert main(given, environ) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "\n" not in told.strip()
    assert SECRET not in told


async def test_an_occupied_port_and_a_broken_ledger(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        child = await start(tmp_path / "a", "--venue", "dex", "--port", port, SANDBOX_API_SECRET=SECRET)
        _, told = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in told.decode()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "exchange.sqlite3").write_text("not a ledger at all " * 100)
    child = await start(tmp_path / "b", "--venue", "dex", SANDBOX_API_SECRET=SECRET)
    _, told = await asyncio.wait_for(child.communicate(), 20)
    assert (child.returncode, told.decode().count("\n")) == (2, 1)


def test_secrets_come_from_files_and_stay_out_of_reprs(tmp_path: Path) -> None:
    from trading.sandbox.server.settings import read_settings

    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET + "\n")
    options = {"venue": "dex", "data_dir": str(tmp_path)}
    settings = read_settings(options, {"SANDBOX_API_SECRET_FILE": str(secret_file), "SANDBOX_PORT": "4711"})
    assert (settings.secret, settings.port, settings.key_id) == (SECRET, 4711, "desk")
    assert (settings.markets, settings.funding_interval_s) == ((), 60)
    chosen = read_settings(options, {"SANDBOX_API_SECRET": SECRET, "SANDBOX_MARKETS": " ETH/USDT:USDT, DCT/USDT,"})
    assert chosen.markets == ("ETH/USDT:USDT", "DCT/USDT")
    assert SECRET not in repr(settings)


def test_the_server_imports_neither_django_nor_the_rest_of_the_house() -> None:
    import subprocess

    script = (
        "import sys, trading.sandbox.server.app as a; "
        "print([m for m in sys.modules if m.split('.')[0] in ('django', 'governance', 'disclosures', 'ccxt', 'numpy') "
        "or (m.startswith('trading.') and not m.startswith('trading.sandbox'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
