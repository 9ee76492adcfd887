"""Looking on while the system is disturbed: what rests, who looks after it, and which of venue, stores and consumer are up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import psycopg
import redis

from dcmm_portal.chaos.private_system import PrivateSystem
from dcmm_portal.chaos.venue_door import VenueAway, VenueDoor
from trading.hot_state import keys

EVERY_S = 0.5
# A source that told nothing for longer was away in between.
AWAY_AFTER_S = 2.0
ORPHAN_AFTER_S = 15.0


@dataclass(frozen=True, slots=True)
class WatchedMarket:
    """A market as the venue and as the portal names it; `door` is its venue's kind of process."""

    slug: str
    symbol: str
    door: str


@dataclass
class Presence:
    """When a source answered; its absences follow."""

    last_ns: int = 0
    absences: list[tuple[int, int]] = field(default_factory=list)

    def answered(self, now_ns: int) -> None:
        if self.last_ns and now_ns - self.last_ns > AWAY_AFTER_S * 1e9:
            self.absences.append((self.last_ns, now_ns))
        self.last_ns = now_ns


@dataclass
class Watched:
    """What was seen of one market, in s."""

    seen_s: float = 0.0
    quoted_s: float = 0.0
    last_ns: int = 0
    owner_ns: int = 0
    is_resting: bool = False
    longest_orphan_s: float = 0.0
    orphans: set[str] = field(default_factory=set)


class Observer:
    """Threads of their own, connections of their own. `begin` counts from now on; `end` stops."""

    def __init__(self, system: PrivateSystem, doors: dict[str, VenueDoor], markets: tuple[WatchedMarket, ...]) -> None:
        self._doors, self.markets = doors, markets
        addresses = system.addresses()
        self._database_url, self._redis_url = addresses["DATABASE_URL"], addresses["REDIS_URL"]
        self.presence = {name: Presence() for name in (*doors, "postgres", "valkey", "ledger")}
        self.watched = {market.slug: Watched() for market in markets}
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._first_seen: dict[str, int] = {}

    def begin(self) -> None:
        work: list[Callable[[], None]] = [self._watch_database, self._watch_redis]
        work += [partial(self._watch_venue, name) for name in self._doors]
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def has_order(self) -> bool:
        """An order of ours rested when the venues were last asked."""
        return any(one.is_resting for one in self.watched.values())

    def absences(self, names: tuple[str, ...]) -> list[tuple[int, int]]:
        """When one of the sources was away, in the order of their ends."""
        found = [span for name in names for span in self.presence[name].absences]
        return sorted(found, key=lambda span: span[1])

    def uptime_fraction(self) -> float:
        """Share of the time with an order of ours resting, on average over the markets."""
        shares = [one.quoted_s / one.seen_s if one.seen_s else 0.0 for one in self.watched.values()]
        return sum(shares) / len(shares) if shares else 0.0

    # --- the threads ----------------------------------------------------------------------------------------------

    def _watch_database(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._database_url, connect_timeout=2, autocommit=True) as connection:
                    while not self._stop.wait(EVERY_S):
                        connection.execute("SELECT 1")
                        self.presence["postgres"].answered(time.time_ns())
            except psycopg.Error:
                self._stop.wait(EVERY_S)

    def _watch_redis(self) -> None:
        client = redis.Redis.from_url(self._redis_url, socket_timeout=2, socket_connect_timeout=2)
        names = [keys.cycle(market.slug) for market in self.markets]
        while not self._stop.wait(EVERY_S):
            try:
                beat, *cycles = client.mget([keys.heartbeat("ledger"), *names])
            except redis.RedisError:
                continue
            now_ns = time.time_ns()
            self.presence["valkey"].answered(now_ns)
            if beat and now_ns - int(beat) < AWAY_AFTER_S * 1e9:
                self.presence["ledger"].answered(now_ns)
            for market, body in zip(self.markets, cycles, strict=True):
                self._note_owner(market.slug, body)

    def _note_owner(self, slug: str, body: bytes | str | None) -> None:
        try:
            status = json.loads(body) if body else {}
            if status.get("outcome") not in (None, "error"):
                self.watched[slug].owner_ns = max(self.watched[slug].owner_ns, int(status["at_ns"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def _watch_venue(self, name: str) -> None:
        door = self._doors[name]
        mine = [market for market in self.markets if market.door == name]
        while not self._stop.wait(EVERY_S):
            try:
                orders = door.resting()["orders"]
            except VenueAway:
                self._note_resting(mine, None)
                continue
            self.presence[name].answered(time.time_ns())
            self._note_resting(mine, orders)

    def _note_resting(self, mine: list[WatchedMarket], orders: list[dict[str, str]] | None) -> None:
        now_ns = time.time_ns()
        for market in mine:
            seen = self.watched[market.slug]
            passed_s = (now_ns - seen.last_ns) / 1e9 if seen.last_ns else 0.0
            names = [one["client_order_id"] for one in orders or () if one["symbol"] == market.symbol]
            seen.last_ns = now_ns
            seen.seen_s += passed_s
            if names and seen.is_resting and passed_s < AWAY_AFTER_S:
                seen.quoted_s += passed_s
            seen.is_resting = bool(names)
            for name in names:
                # An order lives from its owner's last sign of life on; one that is new has an owner that sent it.
                alive_ns = max(seen.owner_ns, self._first_seen.setdefault(name, now_ns))
                alone_s = (now_ns - alive_ns) / 1e9
                seen.longest_orphan_s = max(seen.longest_orphan_s, alone_s)
                if alone_s > ORPHAN_AFTER_S:
                    seen.orphans.add(name)
