"""Every metric of trading, declared once. Gauges carry multiprocess_mode="mostrecent": several processes write them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

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

# --- market_data --------------------------------------------------------------------------------------------------------

FEED_AGE_SECONDS = Gauge(
    "dcmm_feed_age_seconds",
    "Time since the venue's feed last proved to be alive, by market",
    ("market",),
    multiprocess_mode="mostrecent",
)
FEED_MESSAGES = Counter(
    "dcmm_feed_messages_total",
    "What the feed told, by market and kind (book, trade, proof, reset, garbage)",
    ("market", "kind"),
)
FEED_GAPS = Counter(
    "dcmm_feed_gaps_total", "Times a live book became void until a fresh snapshot, by market", ("market",)
)
FEED_RESTARTS = Counter(
    "dcmm_feed_restarts_total",
    "Children of the market data service that failed and were started again, by account, channel and coded problem",
    ("account", "channel", "problem"),
)
BOOK_PUBLISH_SECONDS = Histogram(
    "dcmm_book_publish_seconds",
    "Time from the oldest unpublished book change to its view in the hot state, by market",
    ("market",),
    buckets=(0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0),
)
REFERENCE_SOURCE = Gauge(
    "dcmm_reference_source",
    "1 for the source that gives a market's reference price, 0 for the others",
    ("market", "source"),
    multiprocess_mode="mostrecent",
)
SIGMA = Gauge(
    "dcmm_sigma_per_sqrt_second",
    "EWMA volatility of the reference price (fraction per square root of second), by market and kind (raw, effective)",
    ("market", "kind"),
    multiprocess_mode="mostrecent",
)
VENUE_CLOCK_SKEW_SECONDS = Gauge(
    "dcmm_venue_clock_skew_seconds",
    "The venue's clock minus ours, by account",
    ("account",),
    multiprocess_mode="mostrecent",
)
HISTORY_FILLS_READ = Counter(
    "dcmm_history_fills_read_total", "Own fills read from an account's history, repetitions included", ("account",)
)
RECORDER_EVENTS = Counter("dcmm_recorder_events_total", "Events written to market records, by market", ("market",))
RECORDER_OFF = Gauge(
    "dcmm_recorder_off",
    "1 while a market's recorder had to stop, by market and coded problem",
    ("market", "problem"),
    multiprocess_mode="mostrecent",
)
