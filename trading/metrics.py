"""Every metric of trading, declared once. Gauges carry multiprocess_mode="mostrecent": several processes write them."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

# --- venues -------------------------------------------------------------------------------------------------------------

VENUE_REQUEST_SECONDS = Histogram(
    "dcmm_venue_request_seconds",
    "Time from sending a request to its answer (or to giving up), by venue and endpoint",
    ("venue", "endpoint"),
    buckets=(0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 5.0),
)
VENUE_THROTTLED_REQUESTS = Counter(
    "dcmm_venue_throttled_requests_total",
    "Requests that our own throttle held back or refused, by venue and rate class",
    ("venue", "endpoint"),
)
VENUE_ERRORS = Counter(
    "dcmm_venue_errors_total",
    "Requests that failed, by venue, endpoint and kind (the class of the error, for refusals their coded reason)",
    ("venue", "endpoint", "kind"),
)
VENUE_STREAM_RESETS = Counter(
    "dcmm_venue_stream_resets_total",
    "Streams that were connected again or resynchronised, by venue and channel",
    ("venue", "channel"),
)
