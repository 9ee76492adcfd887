"""Every active market as one row, from its public form."""

from __future__ import annotations

from typing import Final

from disclosures.transparency.public_market import public_json, public_markets
from disclosures.transparency.publication import publication_in_force
from disclosures.transparency.tables import PublicTable

COLUMNS: Final = (
    "slug", "venue", "symbol", "instrument", "state", "outcome", "mid", "mid_source", "bid", "bid_size", "ask", "ask_size",
    "market_bid", "market_ask", "spread_bps", "market_spread_bps", "uptime", "volume", "volume_step", "volume_until",
    "inventory", "inventory_target", "inventory_step", "inventory_at", "parameter_version", "updated_at",
)  # fmt: skip


def overview(now_ns: int) -> PublicTable:
    """The same texts as the list of markets tells."""
    told = [public_json(market) for market in public_markets(now_ns)]
    rows = [tuple(market[name] for name in COLUMNS) for market in told]
    return PublicTable(
        "markets", "quotes", "The venue's order book, our orders, the ledger.", COLUMNS, rows, publication_in_force()
    )
