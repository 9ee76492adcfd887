"""The endpoints of the TON-DEX API that the adapter uses, with their documented rate classes."""

from __future__ import annotations

from collections.abc import Mapping

from trading.venues.throttle import Limit, Priority
from trading.venues.ton_dex.transport import Endpoint

TIME = Endpoint("time", "GET", "/v1/time", "market", private=False)
MARKETS = Endpoint("markets", "GET", "/v1/markets", "market", private=False)
BOOK = Endpoint("book", "GET", "/v1/book", "market", private=False)
TRADES = Endpoint("trades", "GET", "/v1/trades", "market", private=False)
PLACE = Endpoint("place", "POST", "/v1/orders", "place", Priority.NEW)
AMEND = Endpoint("amend", "PUT", "/v1/orders", "amend", Priority.NEW)
CANCEL = Endpoint("cancel", "DELETE", "/v1/orders", "cancel", Priority.CANCEL)
CANCEL_ALL = Endpoint("cancel_all", "DELETE", "/v1/orders/all", "cancel_all", Priority.CANCEL)
CANCEL_AFTER = Endpoint("cancel_after", "POST", "/v1/cancel-after", "cancel_after", Priority.CANCEL)
ORDER = Endpoint("order", "GET", "/v1/order", "read")
OPEN_ORDERS = Endpoint("open_orders", "GET", "/v1/orders/open", "read")
FILLS = Endpoint("fills", "GET", "/v1/fills", "read")
BALANCES = Endpoint("balances", "GET", "/v1/balances", "read")
TRANSFERS = Endpoint("transfers", "GET", "/v1/transfers", "read")
POSITIONS = Endpoint("positions", "GET", "/v1/positions", "read")
FUNDING = Endpoint("funding", "GET", "/v1/funding", "read")
FUNDING_RATE = Endpoint("funding_rate", "GET", "/v1/funding-rate", "market", private=False)

# Until the venue's own list is read; section 5 of docs/sandbox-venue.md.
DEFAULT_LIMITS: Mapping[str, Limit] = {
    "place": Limit(60, 2.0),
    "amend": Limit(60, 2.0),
    "cancel": Limit(60, 2.0),
    "cancel_all": Limit(20, 2.0),
    "cancel_after": Limit(2, 1.0),
    "read": Limit(60, 2.0),
    "market": Limit(60, 2.0),
}
