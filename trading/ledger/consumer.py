"""The ledger process: takes the inbox batch by batch until told to stop, and outlives PostgreSQL and Redis being away."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

import redis
import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.hot_state import inbox
from trading.hot_state.connection import sync_client
from trading.hot_state.inbox import InboxEntry, InboxGroupMissing
from trading.hot_state.market import beat_sync, push_poll_request_sync
from trading.ledger.desk import read_desk
from trading.ledger.hot_positions import ensure_rows, publish_positions
from trading.ledger.inbox_watch import InboxWatch
from trading.ledger.mending import mend_hot_state
from trading.ledger.processing import process_batch
from trading.ledger.valuation import value_waiting

log = structlog.get_logger(__name__)

PROCESS = "ledger"
BLOCK_MS = 200
CLAIM_EVERY_S = 2.0
# Longer than any batch takes: what lies unacknowledged for this long has lost its consumer.
STALE_AFTER_MS = 10_000
HOUSEKEEPING_EVERY_S = 1.0
REPUBLISH_EVERY_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
MEND_EVERY_S = 5.0
AWAY = (OperationalError, InterfaceError, redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError)


class LedgerConsumer:
    """One consumer of the inbox. Several may run side by side: the database's locks and keys keep them apart."""

    def __init__(self, clock: Clock, stop: threading.Event, name: str = PROCESS) -> None:
        self._clock, self._stop, self._name = clock, stop, name
        self._client = sync_client()
        self._due: dict[str, float] = {}
        self._failures = 0
        # Entries given to this consumer and not acknowledged: after a failed turn they come first.
        self._has_left = False
        self._watch = InboxWatch()

    def run(self) -> None:
        """Work until `stop` is set; the batch at hand is finished first."""
        log.info("ledger_started", consumer=self._name)
        started = False
        while not self._stop.is_set():
            try:
                if not started:
                    self._begin()
                    started = True
                self.step()
                self._failures = 0
            except InboxGroupMissing:
                log.error("inbox_lost", action="beginning again: positions published, history polls requested")
                started = False
            except redis.ResponseError as problem:
                # A key of ours is not what we made of it. What is wrong is set aside, and all begins as after a loss.
                log.error("hot_state_refuses", problem=str(problem)[:200])
                self._wait_for_return(problem)
                self._due.pop("mend", None)
                started = False
            except AWAY as problem:
                self._wait_for_return(problem)
            except Exception:
                # A fault of ours must not end the process; the entries stay in the inbox and are tried again.
                log.exception("ledger_step_failed")
                self._wait_for_return(None)
        log.info("ledger_stopped", consumer=self._name)

    def step(self) -> int:
        """One turn: a batch if there is one (waiting a moment for it), else housekeeping; how many entries were done."""
        self._beat()
        entries = self._next_entries()
        if entries:
            began_s = self._clock.monotonic_s()
            process_batch(self._client, entries, self._now())
            metrics.LEDGER_BATCH_SECONDS.observe(self._clock.monotonic_s() - began_s)
        self._housekeeping()
        return len(entries)

    def _begin(self) -> None:
        """Positions into the hot state first, then what a predecessor of this name was given and left.

        Redis may have lost its memory, now or while no ledger ran: what was in the inbox is asked for again from the
        venues' history. The group is made first, so that a loss amid all this is noticed when the inbox is read.
        """
        close_old_connections()
        self._mend()
        reason = "inbox_lost" if inbox.ensure_group(self._client) else "ledger_started"
        desk = ensure_rows(self._now())
        publish_positions(self._client, desk, self._now())
        for account in sorted({account for _, account in desk.accounts}):
            push_poll_request_sync(account, reason)
        while not self._stop.is_set() and (left := inbox.read_unacknowledged(self._client, self._name)):
            process_batch(self._client, left, self._now())

    def _next_entries(self) -> Sequence[InboxEntry]:
        if self._has_left:
            left = inbox.read_unacknowledged(self._client, self._name)
            self._has_left = bool(left)
            if left:
                return left
        if self._is_due("claim", CLAIM_EVERY_S):
            stale = inbox.claim_stale(self._client, self._name, STALE_AFTER_MS)
            if stale:
                return stale
        return inbox.read_batch(self._client, self._name, block_ms=BLOCK_MS)

    def _housekeeping(self) -> None:
        if self._is_due("values", HOUSEKEEPING_EVERY_S):
            close_old_connections()
            self._watch.look(self._client, self._now())
            self._watch.tell()
            for position in value_waiting(self._now()):
                inbox.commit_position(self._client, position, ())
        if self._is_due("republish", REPUBLISH_EVERY_S):
            publish_positions(self._client, ensure_rows(self._now()), self._now())
        self._mend()

    def _mend(self) -> None:
        if self._is_due("mend", MEND_EVERY_S):
            mend_hot_state(self._client, read_desk(), self._now())

    def _wait_for_return(self, problem: Exception | None) -> None:
        kind = type(problem).__name__ if problem else "fault"
        metrics.LEDGER_RETRIES.labels(kind).inc()
        if problem is not None:
            log.warning("ledger_waits", problem=kind, failures=self._failures)
        connection.close()
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures, 10))
        self._failures += 1
        self._has_left = True
        self._look_beside()
        self._stop.wait(pause_s)

    def _look_beside(self) -> None:
        """While the database is away the inbox fills: that is measured and logged all the same."""
        try:
            self._beat()
            self._watch.look(self._client, self._now())
        except redis.RedisError as problem:
            log.debug("inbox_not_looked_at", problem=type(problem).__name__)

    def _beat(self) -> None:
        if self._is_due("beat", 1.0):
            beat_sync(PROCESS, self._clock.now_ns())

    def _is_due(self, what: str, every_s: float) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s < self._due.get(what, 0.0):
            return False
        self._due[what] = now_s + every_s
        return True

    def _now(self) -> datetime:
        return to_datetime(self._clock.now_ns())
