"""What the market maker itself is configured with; governed parameters are not here but in the database."""

from environs import ValidationError, validate

from dcmm_portal.environment import env


def _policies(wanted: dict[str, str]) -> None:
    """Refuses a policy that is none: a typing error must not cancel, or leave, somebody's order."""
    for account, policy in wanted.items():
        if policy not in ("cancel", "adopt"):
            raise ValidationError(f"{account}: {policy!r} is neither cancel nor adopt")


# Celery beat's tick in seconds; a market's own refresh_interval_s is a governed parameter and never shorter.
REFRESH_INTERVAL_S = env.float("REFRESH_INTERVAL", 1.0)
QUOTE_SHARDS = env.int("QUOTE_SHARDS", 1)
# Tells two copies of the portal apart where their databases can't (trading/orders/installation.py).
INSTALLATION_ID = env.str("INSTALLATION_ID", "")
# What becomes of orders on an account that nobody here sent: "cancel" or "adopt", by account slug; "*" for the others.
FOREIGN_ORDERS: dict[str, str] = env.dict("FOREIGN_ORDERS", {"*": "cancel"}, validate=_policies)
CODE_VERSION = env.str("CODE_VERSION", "unversioned")
# Venue addresses by venue slug: VENUE_<SLUG>_URL, VENUE_<SLUG>_WS_URL. Credentials by account slug, read by trading.venues only.
VENUE_URLS = {"dex": env.str("VENUE_DEX_URL", ""), "cex": env.str("VENUE_CEX_URL", "")}
# Entries (about 1 KB each) that may wait in the inbox for the database: at 80 % of it markets only reduce, at 100 % they pause.
INBOX_BOUND = env.int("INBOX_BOUND", 50_000, validate=validate.Range(min=1_000, max=5_000_000))
RECORDER_ENABLED = env.bool("RECORDER_ENABLED", True)
# Per market: records older or, together, larger than this are deleted, the oldest first.
RECORDER_KEEP_DAYS = env.float("RECORDER_KEEP_DAYS", 7.0)
RECORDER_KEEP_MB = env.float("RECORDER_KEEP_MB", 500.0)
