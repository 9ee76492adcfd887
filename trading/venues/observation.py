"""What every request leaves behind: its latency, its error, and what the throttle learns of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from trading import metrics
from trading.clock import Clock
from trading.venues.interface import NotSent, RateLimited, VenueError, VenueRejected
from trading.venues.throttle import SLOW_ANSWER_S, Throttle

log = structlog.get_logger(__name__)
# The same trouble of one endpoint is told once in so long; the metrics count every time.
TOLD_EVERY_S = 10.0


class Observer:
    """Measures the requests of one venue."""

    def __init__(self, venue: str, clock: Clock, throttle: Throttle) -> None:
        self._venue = venue
        self._clock = clock
        self._throttle = throttle
        self._told_s: dict[tuple[str, str], float] = {}

    @contextmanager
    def request(self, endpoint: str, limit: str, scope: str) -> Iterator[None]:
        """Around one request on the wire; errors pass through, counted."""
        started_s = self._clock.monotonic_s()
        try:
            yield
        except VenueError as error:
            self._failed(endpoint, limit, scope, error)
            if not isinstance(error, NotSent):
                self._took(endpoint, self._clock.monotonic_s() - started_s)
            raise
        self._took(endpoint, self._clock.monotonic_s() - started_s)

    def stream_reset(self, channel: str) -> None:
        """A stream was connected again or resynchronised."""
        metrics.VENUE_STREAM_RESETS.labels(self._venue, channel).inc()

    def stream_broke(self, channel: str, reason: str) -> None:
        """A stream's connection ended; it is made again."""
        log.warning("venue_stream_broke", venue=self._venue, channel=channel, reason=reason)

    def strange_message(self, channel: str, problem: str) -> None:
        """A stream sent what this adapter does not know; it is passed over."""
        log.warning("venue_message_not_understood", venue=self._venue, channel=channel, problem=problem)

    def _took(self, endpoint: str, took_s: float) -> None:
        if took_s > SLOW_ANSWER_S:
            self._tell("venue_answers_slowly", endpoint, seconds=round(took_s, 1))
        metrics.VENUE_REQUEST_SECONDS.labels(self._venue, endpoint).observe(took_s)
        self._throttle.answered(took_s)

    def _failed(self, endpoint: str, limit: str, scope: str, error: VenueError) -> None:
        kind = str(error.reason) if isinstance(error, VenueRejected) else type(error).__name__
        metrics.VENUE_ERRORS.labels(self._venue, endpoint, kind).inc()
        if not isinstance(error, VenueRejected | NotSent):
            self._tell("venue_request_failed", endpoint, kind=kind)
        if isinstance(error, RateLimited):
            self._throttle.refused(limit, scope, error.retry_after_s)

    def _tell(self, event: str, endpoint: str, **facts: object) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._told_s.get((event, endpoint), float("-inf")) >= TOLD_EVERY_S:
            self._told_s[event, endpoint] = now_s
            log.warning(event, venue=self._venue, endpoint=endpoint, **facts)


def throttled_counter(venue: str, endpoint: str) -> None:
    """Count a request that our throttle held back."""
    metrics.VENUE_THROTTLED_REQUESTS.labels(venue, endpoint).inc()
