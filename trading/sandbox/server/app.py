"""One venue as a process: opens the ledger, serves, plays the market, stops in order."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import uvloop
from aiohttp import web

from trading.sandbox.catalogue import Listing, listings
from trading.sandbox.exchange import Exchange, StoreError
from trading.sandbox.records_format import RecordError
from trading.sandbox.replay import Replay
from trading.sandbox.server.clock import VenueClock
from trading.sandbox.server.faults import Faults
from trading.sandbox.server.keys import ApiKey, KeyRing, SettingsError
from trading.sandbox.server.market import MarketClock
from trading.sandbox.server.server import build
from trading.sandbox.server.settings import ACCOUNT, Settings, read_settings
from trading.sandbox.server.streams import StreamHub
from trading.sandbox.server.venue import Venue, throttle_for
from trading.sandbox.server.webhooks import WebhookSender, WebhookTarget

logger = logging.getLogger("sandbox_venue")

LEDGER_FILE = "exchange.sqlite3"
SHUTDOWN_S = 3.0


def open_exchange(listed: Sequence[Listing], store_path: Path, clock: VenueClock) -> Exchange:
    """The engine with these listings; the account's first deposits are booked once, ever."""
    now_ns = clock.engine_ns()
    try:
        exchange = Exchange({item.instrument.symbol: item.instrument for item in listed}, store_path, now_ns)
    except ValueError as error:
        raise SettingsError(f"{store_path}: {error}") from None
    brought: set[str] = set()
    for item in listed:
        for asset, amount in item.deposits:
            if asset not in brought:
                exchange.deposit(ACCOUNT, asset, amount, now_ns, f"initial-{item.instrument.symbol}-{asset}")
                brought.add(asset)
    return exchange


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data directory: two processes on one ledger would each undo the other's balances."""
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"{data_dir} is in use by another venue process") from None
        yield


def _venue(settings: Settings, exchange: Exchange, clock: VenueClock, replays: Mapping[str, Replay]) -> Venue:
    return Venue(
        name=settings.venue,
        exchange=exchange,
        keys=KeyRing([ApiKey(settings.key_id, ACCOUNT, settings.secret, settings.passphrase)]),
        clock=clock,
        faults=Faults(seed=settings.seed),
        throttle=throttle_for(settings.venue, settings.rate_scale),
        labels={symbol: replay.label for symbol, replay in replays.items()},
        control_token=settings.control_token,
    )


async def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT (0), or until a background task fails (1)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    clock = VenueClock()
    listed = listings(settings.venue, settings.markets, settings.funding_interval_s)
    exchange = open_exchange(listed, settings.data_dir / LEDGER_FILE, clock)
    try:
        replays = {
            item.instrument.symbol: Replay(
                exchange, item.instrument.symbol, item.record_path, clock.engine_ns(), settings.replay_offset_s
            )
            for item in listed
        }
        venue = _venue(settings, exchange, clock, replays)
        app, hub = build(venue)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await _listen(runner, settings)
            return await _until_stopped(venue, settings, replays, stop)
        finally:
            await _close(hub, runner)
    finally:
        exchange.close()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        raise SettingsError(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None
    port = runner.addresses[0][1]
    if settings.port_file is not None:
        fresh = settings.port_file.with_suffix(".new")
        fresh.write_text(f"{port}\n", encoding="ascii")
        fresh.replace(settings.port_file)
    sys.stdout.write(f"sandbox_venue {settings.venue} listening on http://{settings.host}:{port}\n")
    sys.stdout.flush()


async def _until_stopped(venue: Venue, settings: Settings, replays: Mapping[str, Replay], stop: asyncio.Event) -> int:
    tasks = [asyncio.create_task(MarketClock(venue, tuple(replays.values()), settings.speed).run(), name="market")]
    if settings.webhook_url:
        cursor = settings.data_dir / "webhook.cursor"
        target = WebhookTarget(settings.webhook_url, settings.webhook_secret, ACCOUNT, cursor)
        tasks.append(asyncio.create_task(WebhookSender(venue, target).run(), name="webhooks"))
    waiter = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, waiter], return_when=asyncio.FIRST_COMPLETED)
    waiter.cancel()
    failed = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in failed:
        logger.error("the %s task ended", task.get_name(), exc_info=task.exception())
    return 1 if failed else 0


async def _close(hub: StreamHub, runner: web.AppRunner) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(hub.close(), SHUTDOWN_S)
    await runner.cleanup()


def main(options: Mapping[str, object], environ: Mapping[str, str]) -> int:
    """Run a venue; exit status 0 when it was stopped, 1 when it failed, 2 when it could not start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        settings = read_settings(options, environ)
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with only_one(settings.data_dir), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(settings))
    except (SettingsError, StoreError, RecordError, OSError) as error:
        sys.stderr.write(f"sandbox_venue: {error}\n")
        return 2
