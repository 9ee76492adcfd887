"""The hub of a web process: hears the live push once, makes each message once, and hands it to every public socket.

While nobody is connected nothing runs. What a client does not take waits, the newest of each market alone; who takes nothing for
`SLOW_AFTER_S` is dropped. While the feed or the database is away, pages are told that what they show is old.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from django.db import connection

from dcmm_portal.live_sockets.outlet import TRY_AGAIN_LATER, Prepared
from dcmm_portal.push import PING_EVERY_S
from disclosures.live import feed
from disclosures.live.listener import Listener
from disclosures.live.reading import Reading, public_form, read_on_thread
from trading.clock import Clock, SystemClock
from trading.metrics import LIVE_FANOUT_SECONDS, LIVE_FEED_LOST, SOCKETS_DROPPED
from trading.told_quotes import NotAStatus

log = structlog.get_logger(__name__)

SLOW_AFTER_S: Final = 10.0
LOOK_EVERY_S: Final = 1.0
# Between two handfuls of sockets the process does other work too: pages, new connections.
HANDFUL: Final = 250
# A reading is renewed once it is so old, and nothing is told on one that is older than the other.
READ_EVERY_S, READING_GOOD_S = 1.0, 5.0
# Messages come in bursts, one a market: reading begins when the burst is told, not in its middle.
READ_AFTER_S: Final = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
# Nobody has so many markets: somebody else writes into the channel.
MOST_MARKETS: Final = 1_000


class PublicHub:
    """One per event loop. `listen` yields the push's messages, `read` reads all markets on a thread."""

    def __init__(
        self,
        clock: Clock,
        listen: Callable[[], AsyncIterator[dict[str, Any]]] = feed.messages,
        read: Callable[[], Reading] = read_on_thread,
    ) -> None:
        self._clock, self._listen, self._read = clock, listen, read
        self._listeners: dict[Listener, None] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._executor: ThreadPoolExecutor | None = None
        self._waiting: dict[str, tuple[dict[str, Any], float]] = {}
        self._arrived = asyncio.Event()
        self._reading: Reading | None = None
        self._read_s = self._no_read_before_s = float("-inf")
        self._read_failures = 0
        self._renewing: asyncio.Task[bool] | None = None
        self._forms: dict[str, dict[str, Any]] = {}
        self._formed_s: dict[str, float] = {}
        self._snapshots: dict[str, Prepared] = {}
        self._is_silent = self._is_unread = self._owes_all = self._told_old = False

    # --- who listens --------------------------------------------------------------------------------------------------

    async def join(self, listener: Listener) -> None:
        """Tell a new socket every market, then all that follows. While nothing can be read it is told so, and all of it later."""
        self._listeners[listener] = None
        self._start()
        was_told_old = self._told_old
        if not await self._have_reading(READ_EVERY_S) and not self._forms:
            self._owes_all = True
        if listener not in self._listeners:
            return
        now_s = self._clock.monotonic_s()
        if was_told_old and self._told_old:
            listener.offer(_state(is_old=True), now_s)
        for slug in self._forms:
            listener.offer(self._snapshot(slug), now_s)

    async def leave(self, listener: Listener) -> None:
        """Forget a socket; with the last one everything that runs ends."""
        self._listeners.pop(listener, None)
        if not self._listeners:
            await self._stop()

    @property
    def is_old(self) -> bool:
        """What pages show may be old: the feed is silent although there are markets, or nothing can be read."""
        return self._is_unread or (self._is_silent and bool(self._forms))

    def _start(self) -> None:
        if self._tasks:
            return
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="public-live")
        self._is_silent = self._is_unread = self._owes_all = self._told_old = False
        self._read_s = self._no_read_before_s = float("-inf")
        self._read_failures = 0
        self._waiting.clear()
        self._tasks = [asyncio.create_task(work()) for work in (self._hear, self._tell_on, self._look_after)]

    async def _stop(self) -> None:
        tasks, self._tasks = [*self._tasks, *([self._renewing] if self._renewing else [])], []
        executor, self._executor, self._renewing = self._executor, None, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if executor is not None:
            executor.submit(connection.close)
            executor.shutdown(wait=False)

    # --- hearing ------------------------------------------------------------------------------------------------------

    async def _hear(self) -> None:
        failures = 0
        while True:
            try:
                async for message in self._listen():
                    failures = 0
                    self._take(message)
            except Exception as problem:
                LIVE_FEED_LOST.labels(type(problem).__name__).inc()
                log.warning(
                    "live_feed_lost", problem=type(problem).__name__, detail=str(problem)[:200], failures=failures
                )
            self._is_silent = True
            self._tell_state()
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(failures, 10))
            failures += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))

    def _take(self, message: Any) -> None:
        """Keep a message until it is told, in the place of an older one of its market."""
        slug = message.get("market") if isinstance(message, dict) else None
        if not isinstance(slug, str) or (slug not in self._waiting and len(self._waiting) >= MOST_MARKETS):
            return
        if self._is_silent:
            self._owes_all, self._is_silent = True, False
            self._tell_state()
        since_s = self._waiting.pop(slug, (None, self._clock.monotonic_s()))[1]
        self._waiting[slug] = (message, since_s)
        self._arrived.set()

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _tell_on(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            waiting, self._waiting = self._waiting, {}
            try:
                await self._tell(waiting)
            except Exception as problem:
                log.warning("live_telling_failed", problem=type(problem).__name__, detail=str(problem)[:200])

    async def _tell(self, waiting: dict[str, tuple[dict[str, Any], float]]) -> None:
        known = self._reading is not None and all(slug in self._reading.forms for slug in waiting)
        good_s = 0.0 if self._owes_all else READING_GOOD_S if known else READ_EVERY_S
        if not await self._have_reading(good_s):
            return
        if self._owes_all:
            self._owes_all = False
            for slug in tuple(self._forms):
                await self._fan_out(self._snapshot(slug))
        for slug, (message, since_s) in waiting.items():
            if (prepared := self._form(slug, message)) is not None:
                await self._fan_out(prepared)
                LIVE_FANOUT_SECONDS.observe(max(0.0, self._clock.monotonic_s() - since_s))
        if self._clock.monotonic_s() - self._read_s >= READ_EVERY_S:
            asyncio.get_running_loop().call_later(READ_AFTER_S, self._renew_if_running)

    def _form(self, slug: str, message: dict[str, Any]) -> Prepared | None:
        """A market's message, made once for all sockets; None if it is not one of ours."""
        reading = self._reading
        if reading is None or slug not in reading.forms:
            return None
        try:
            form = public_form(message["status"], reading.basis)
        except (NotAStatus, KeyError, TypeError) as problem:
            log.warning("live_message_refused", market=slug[:100], problem=str(problem)[:200])
            return None
        if form["slug"] != slug:
            return None
        self._forms[slug], self._formed_s[slug] = form, self._clock.monotonic_s()
        self._snapshots.pop(slug, None)
        return prepare("market", slug, form)

    def _snapshot(self, slug: str) -> Prepared:
        if slug not in self._snapshots:
            self._snapshots[slug] = prepare("snapshot", slug, self._forms[slug])
        return self._snapshots[slug]

    async def _fan_out(self, message: Prepared) -> None:
        now_s = self._clock.monotonic_s()
        for count, listener in enumerate(tuple(self._listeners), 1):
            listener.offer(message, now_s)
            if count % HANDFUL == 0:
                await asyncio.sleep(0)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _have_reading(self, good_s: float) -> bool:
        """Whether there is a reading not older than `good_s`; reads where there is none. Those who wait share one reading."""
        if self._clock.monotonic_s() - self._read_s < good_s:
            return True
        renewing = self._renew()
        return renewing is not None and await asyncio.shield(renewing)

    def _renew(self) -> asyncio.Task[bool] | None:
        """Begin a reading, unless one is under way or the last one failed a moment ago."""
        if self._renewing is not None and not self._renewing.done():
            return self._renewing
        if self._clock.monotonic_s() < self._no_read_before_s:
            return None
        self._renewing = asyncio.create_task(self._read_all())
        return self._renewing

    def _renew_if_running(self) -> None:
        if self._tasks and self._clock.monotonic_s() - self._read_s >= READ_EVERY_S:
            self._renew()

    async def _read_all(self) -> bool:
        began_s = self._clock.monotonic_s()
        try:
            reading = await asyncio.get_running_loop().run_in_executor(self._executor, self._read)
        except Exception as problem:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._read_failures, 10))
            self._read_failures += 1
            self._no_read_before_s = self._clock.monotonic_s() + pause_s
            self._owes_all = self._is_unread = True
            log.warning("live_reading_failed", problem=type(problem).__name__, detail=str(problem)[:200])
            self._tell_state()
            return False
        self._read_failures, self._is_unread = 0, False
        # What a message told while this was read is newer.
        newer = {
            slug: self._forms[slug] for slug, at_s in self._formed_s.items() if at_s > began_s and slug in reading.forms
        }
        self._reading, self._read_s = reading, began_s
        self._forms, self._snapshots = dict(reading.forms) | newer, {}
        self._tell_state()
        return True

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _tell_state(self) -> None:
        """Tell everybody when figures became old, or live again."""
        if self.is_old == self._told_old:
            return
        self._told_old = self.is_old
        message, now_s = _state(is_old=self.is_old), self._clock.monotonic_s()
        for listener in tuple(self._listeners):
            listener.offer(message, now_s)

    async def _look_after(self) -> None:
        pinged_s = self._clock.monotonic_s()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.drop_slow()
            if self._clock.monotonic_s() - pinged_s >= PING_EVERY_S:
                pinged_s = self._clock.monotonic_s()
                await self._fan_out(PING)
            if self._owes_all:
                self._arrived.set()

    def drop_slow(self) -> int:
        """Drop whoever has taken nothing for `SLOW_AFTER_S`; how many."""
        before_s = self._clock.monotonic_s() - SLOW_AFTER_S
        slow = [one for one in self._listeners if one.late_since_s is not None and one.late_since_s <= before_s]
        for listener in slow:
            self._listeners.pop(listener, None)
            SOCKETS_DROPPED.inc()
            listener.outlet.drop(TRY_AGAIN_LATER)
        return len(slow)


def prepare(kind: str, slug: str, form: dict[str, Any]) -> Prepared:
    """A market's message for every socket; serialised here and nowhere else."""
    return Prepared(slug, json.dumps({"type": kind, "market": slug, "status": form}))


def _state(*, is_old: bool) -> Prepared:
    return Prepared("", json.dumps({"type": "state", "market": None, "state": "old" if is_old else "live"}))


PING: Final = Prepared(" ", json.dumps({"type": "ping", "market": None}))
_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, PublicHub] = WeakKeyDictionary()


def public_hub() -> PublicHub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = PublicHub(SystemClock())
    return _hubs[loop]
