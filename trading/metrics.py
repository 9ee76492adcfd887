"""Every metric of trading, declared once. Gauges carry multiprocess_mode="mostrecent": several processes write them; what is
counted per process carries "livesum"."""

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
HISTORY_REACH_USED = Gauge(
    "dcmm_history_reach_used_fraction",
    "How much of what the venue's history reaches back over lies behind the ledger's cursor, by account; from 0.8 on an alarm",
    ("account",),
    multiprocess_mode="mostrecent",
)
HISTORY_POLLS_HELD_BACK = Counter(
    "dcmm_history_polls_held_back_total",
    "Readings of a venue's history that stopped because the inbox has to keep its room for the streams, by account",
    ("account",),
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

# --- quoting ------------------------------------------------------------------------------------------------------------

CYCLES = Counter("dcmm_cycles_total", "Quoting cycles by market and outcome", ("market", "outcome"))
CYCLE_SECONDS = Histogram(
    "dcmm_cycle_seconds",
    "Duration of a quoting cycle, by market",
    ("market",),
    buckets=(0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0),
)
CYCLE_LATENESS_SECONDS = Histogram(
    "dcmm_cycle_lateness_seconds",
    "From a cycle's due time on the grid to its start, by market",
    ("market",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
)
TICKS_LATE = Counter("dcmm_ticks_expired_total", "Ticks that came too late to be run", ("shard",))
TICKS_REPEATED = Counter("dcmm_ticks_repeated_total", "Ticks that another task had claimed already", ("shard",))
SNAPSHOT_TO_SENT_SECONDS = Histogram(
    "dcmm_snapshot_to_sent_seconds",
    "From the snapshot to the first order's bytes leaving, by market",
    ("market",),
    buckets=(0.001, 0.002, 0.003, 0.005, 0.008, 0.015, 0.03, 0.1, 0.5),
)
ORDER_REQUESTS = Counter(
    "dcmm_order_requests_total", "Order requests by market, action and outcome", ("market", "action", "outcome")
)
QUOTED_SPREAD_BPS = Gauge(
    "dcmm_quoted_spread_bps", "Full spread wanted, bps of the reference", ("market",), multiprocess_mode="mostrecent"
)
QUOTED_SKEW_BPS = Gauge(
    "dcmm_quoted_skew_bps",
    "Shift of both quotes against inventory, bps of the reference",
    ("market",),
    multiprocess_mode="mostrecent",
)
QUOTED_SIZE = Gauge(
    "dcmm_quoted_size_base", "Size wanted, by market and side", ("market", "side"), multiprocess_mode="mostrecent"
)
INVENTORY_BASE = Gauge(
    "dcmm_inventory_base", "Position with fills on their way, base units", ("market",), multiprocess_mode="mostrecent"
)
LIMIT_USE_RATIO = Gauge(
    "dcmm_limit_use_ratio",
    "Distance from target as a fraction of the limit, by market and limit (soft, hard)",
    ("market", "limit"),
    multiprocess_mode="mostrecent",
)
ORDERS_IN_DOUBT = Gauge(
    "dcmm_orders_in_doubt",
    "Orders whose outcome is not known, by market and status (INTENT, UNKNOWN, CANCEL_PENDING, AMEND)",
    ("market", "status"),
    multiprocess_mode="mostrecent",
)
ORDER_DOUBT_SECONDS = Histogram(
    "dcmm_order_doubt_seconds",
    "From an order's outcome becoming unknown to what became of it, by market and end (LIVE, FILLED, CANCELLED)",
    ("market", "end"),
    buckets=(0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 30.0, 60.0),
)
ORDERS_OVERDUE = Counter(
    "dcmm_orders_overdue_total",
    "Orders whose outcome was still not known after the stated time, once each, by market",
    ("market",),
)
FOREIGN_ORDERS = Counter(
    "dcmm_foreign_orders_total",
    "Orders on an account that nobody here sent, once each, by account and policy (cancel, adopt)",
    ("account", "policy"),
)
ACCOUNT_IN_USE = Gauge(
    "dcmm_account_in_use",
    "1 while another copy of the portal has orders on the account, or had them a moment ago",
    ("account",),
    multiprocess_mode="mostrecent",
)
LEASE_TAKEOVERS = Counter("dcmm_lease_takeovers_total", "Leases taken over after an unclean end", ("market",))
KILL_SECONDS = Gauge(
    "dcmm_kill_seconds",
    "From a market's halt, as the watchdog learnt of it, to the venue showing no order of ours",
    ("market",),
    multiprocess_mode="mostrecent",
)
DECISIONS_WRITTEN = Counter("dcmm_decisions_written_total", "Cycles written to PostgreSQL, by form", ("form",))
DECISIONS_SET_ASIDE = Counter(
    "dcmm_decisions_set_aside_total", "Decisions that no table could hold; copies are in the stream dcmm:decisions-dead"
)
DECISIONS_WAITING = Gauge(
    "dcmm_decisions_waiting", "Decisions in the stream not yet kept", multiprocess_mode="mostrecent"
)

# --- ledger -------------------------------------------------------------------------------------------------------------

LEDGER_ENTRIES = Counter(
    "dcmm_ledger_entries_total",
    "Inbox entries dealt with, by outcome (booked, duplicate, fee_added, transfer_booked, quarantined, cursor_moved, ...)",
    ("outcome",),
)
FILLS_OF_UNKNOWN_ORDERS = Counter(
    "dcmm_ledger_fills_of_unknown_orders_total",
    "Fills booked of orders that nobody here sent, by market: somebody uses the account beside us",
    ("market",),
)
LEDGER_BATCH_SECONDS = Histogram(
    "dcmm_ledger_batch_seconds",
    "Time from reading a batch of inbox entries to its acknowledgement",
    buckets=(0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.5, 5.0),
)
LEDGER_INBOX_LENGTH = Gauge(
    "dcmm_ledger_inbox_entries", "Inbox entries not yet acknowledged", multiprocess_mode="mostrecent"
)
INBOX_USED_FRACTION = Gauge(
    "dcmm_inbox_used_fraction",
    "Used part of the room for fills that wait for the database: from 0.8 on markets only reduce, from 1 on they pause",
    multiprocess_mode="mostrecent",
)
DEAD_LETTERS = Gauge(
    "dcmm_dead_letters_entries",
    "Entries set aside for a person, by stream (inbox, decisions)",
    ("stream",),
    multiprocess_mode="mostrecent",
)
HOT_STATE_SET_ASIDE = Counter(
    "dcmm_hot_state_set_aside_total",
    "Keys and fields of the hot state that nobody of us can have written and that were set aside, by kind (type, pending)",
    ("kind",),
)
POSITIONS_OVERWRITTEN = Counter(
    "dcmm_ledger_positions_overwritten_total",
    "Published positions that were ahead of PostgreSQL and were replaced by the committed one, by market",
    ("market",),
)
LEDGER_RETRIES = Counter(
    "dcmm_ledger_retries_total", "Batches that had to wait for PostgreSQL or Redis, by kind of problem", ("problem",)
)
LEDGER_POSITION = Gauge(
    "dcmm_ledger_position_base",
    "Committed position in base units, by market",
    ("market",),
    multiprocess_mode="mostrecent",
)
LEDGER_REALISED_PNL = Gauge(
    "dcmm_ledger_realised_pnl_quote",
    "Realised P&L in quote units, by market",
    ("market",),
    multiprocess_mode="mostrecent",
)
LEDGER_UNREALISED_PNL = Gauge(
    "dcmm_ledger_unrealised_pnl_quote",
    "Unrealised P&L in quote units at the reference price, by market",
    ("market",),
    multiprocess_mode="mostrecent",
)
LEDGER_FUNDING = Gauge(
    "dcmm_ledger_funding_quote",
    "Funding received (positive) or paid so far in quote units, by market",
    ("market",),
    multiprocess_mode="mostrecent",
)
LEDGER_SEQ = Gauge(
    "dcmm_ledger_sequence_number",
    "Ledger number of the position, by market",
    ("market",),
    multiprocess_mode="mostrecent",
)
RECONCILIATION_DIFFERENCES = Gauge(
    "dcmm_reconciliation_differences_count",
    "Differences found by the latest reconciliation, by account",
    ("account",),
    multiprocess_mode="mostrecent",
)
ORDERS_ENDED_BY_TIMER = Counter(
    "dcmm_orders_ended_by_timer_total",
    "Orders that the venue's own timer cancelled because nobody renewed it",
    ("market",),
)
RECONCILIATION_REPAIRS = Counter(
    "dcmm_reconciliation_repairs_total", "Differences ended by booking what the venue has, by kind", ("account", "kind")
)
RECONCILIATION_SECONDS = Histogram(
    "dcmm_reconciliation_seconds",
    "Duration of a reconciliation, by account",
    ("account",),
    buckets=(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
FUNDING_DIFFERENCES = Gauge(
    "dcmm_funding_differences_count",
    "Funding payments that differ between ledger and venue after the latest hourly comparison, by account",
    ("account",),
    multiprocess_mode="mostrecent",
)
FUNDING_COMPARED_AT = Gauge(
    "dcmm_funding_compared_timestamp_seconds",
    "When the funding payments were last compared with the venue, seconds since the epoch, by account",
    ("account",),
    multiprocess_mode="mostrecent",
)
FUNDING_UNREAD = Counter(
    "dcmm_funding_not_compared_total", "Hourly comparisons of funding that could not be made, by account", ("account",)
)
WEBHOOKS = Counter(
    "dcmm_webhook_requests_total",
    "Webhooks of own fills, by account and outcome (accepted, bad_signature, stale_stamp, malformed, too_large, ...)",
    ("account", "outcome"),
)

# --- events -------------------------------------------------------------------------------------------------------------

EVENTS_RELAYED = Counter("dcmm_events_relayed_total", "Events published and taken out of the outbox")
RELAY_FAILURES = Counter(
    "dcmm_relay_failures_total",
    "Attempts to publish that failed; the events stay in the outbox, by problem",
    ("problem",),
)
OUTBOX_ENTRIES = Gauge("dcmm_outbox_entries", "Events waiting in the outbox", multiprocess_mode="mostrecent")
OUTBOX_LAG_SECONDS = Gauge(
    "dcmm_outbox_lag_seconds", "Age of the oldest event in the outbox", multiprocess_mode="mostrecent"
)

# --- pages --------------------------------------------------------------------------------------------------------------

SOCKET_MESSAGES_REFUSED = Counter(
    "dcmm_socket_messages_refused_total",
    "Messages of clients on the live sockets that were not taken, by reason (not_json, not_text, too_big)",
    ("reason",),
)
SOCKETS_CONNECTED = Gauge(
    "dcmm_sockets_connected",
    "Live sockets that are open, by kind (public, desk)",
    ("kind",),
    multiprocess_mode="livesum",
)
SOCKETS_REFUSED = Counter(
    "dcmm_sockets_refused_total",
    "Live sockets that got no place, by kind (public, desk) and reason (full, address, rate)",
    ("kind", "reason"),
)
SOCKETS_DROPPED = Counter(
    "dcmm_sockets_dropped_total",
    "Public sockets whose client did not take what it was told and that were closed for it",
)
LIVE_FANOUT_SECONDS = Histogram(
    "dcmm_live_fanout_seconds",
    "From a market's message reaching the web process to its public form being written to every public socket",
    buckets=(0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0),
)
LIVE_FEED_LOST = Counter(
    "dcmm_live_feed_lost_total",
    "Times the public sockets' feed of a web process was lost or silent, by problem",
    ("problem",),
)
SIGN_IN_ATTEMPTS = Counter(
    "dcmm_sign_in_attempts_total",
    "Attempts to sign in, by outcome (signed_in, refused, held_back, unavailable)",
    ("outcome",),
)
SECOND_FACTOR_ATTEMPTS = Counter(
    "dcmm_second_factor_attempts_total",
    "Second factors given, by method (totp, webauthn, recovery) and outcome (accepted, refused, held_back, unavailable)",
    ("method", "outcome"),
)

# --- risk ---------------------------------------------------------------------------------------------------------------

MARKOUT_BPS = Gauge(
    "dcmm_markout_bps",
    "Mean price move after our last fills, positive is good for us, by horizon in s",
    ("market", "horizon_s"),
    multiprocess_mode="mostrecent",
)
SESSION_DRAWDOWN = Gauge(
    "dcmm_session_drawdown_quote",
    "How far the session's P&L has fallen from its peak",
    ("market",),
    multiprocess_mode="mostrecent",
)
BREAKERS_FIRED = Counter("dcmm_breakers_fired_total", "Breakers that locked a market, by rule", ("market", "rule"))

# --- review -------------------------------------------------------------------------------------------------------------

PROPOSALS = Gauge("dcmm_proposals", "Open proposals, by state", ("state",), multiprocess_mode="mostrecent")
REVIEWS_OVERDUE = Gauge(
    "dcmm_reviews_overdue", "Changes applied at once that nobody looked at in time", multiprocess_mode="mostrecent"
)
VOTERS_MISSING = Gauge(
    "dcmm_proposals_without_voters",
    "Proposals in review on which fewer people may vote than their quorum needs",
    multiprocess_mode="mostrecent",
)
PROPOSAL_STEPS = Counter("dcmm_proposal_steps_total", "Steps of proposals, by kind and action", ("kind", "action"))
NOTIFICATIONS = Counter(
    "dcmm_notifications_total", "Attempts to deliver a notification, by channel and outcome", ("channel", "outcome")
)
