"""What every request leaves behind: its latency, its error, and what the throttle learns of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trading import metrics
from trading.clock import Clock
from trading.venues.interface import NotSent, RateLimited, VenueError, VenueRejected
from trading.venues.throttle import Throttle


class Observer:
    """Measures the requests of one venue."""

    def __init__(self, venue: str, clock: Clock, throttle: Throttle) -> None:
        self._venue = venue
        self._clock = clock
        self._throttle = throttle

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

    def _took(self, endpoint: str, took_s: float) -> None:
        metrics.VENUE_REQUEST_SECONDS.labels(self._venue, endpoint).observe(took_s)
        self._throttle.answered(took_s)

    def _failed(self, endpoint: str, limit: str, scope: str, error: VenueError) -> None:
        kind = str(error.reason) if isinstance(error, VenueRejected) else type(error).__name__
        metrics.VENUE_ERRORS.labels(self._venue, endpoint, kind).inc()
        if isinstance(error, RateLimited):
            self._throttle.refused(limit, scope, error.retry_after_s)


def throttled_counter(venue: str, endpoint: str) -> None:
    """Count a request that our throttle held back."""
    metrics.VENUE_THROTTLED_REQUESTS.labels(venue, endpoint).inc()
