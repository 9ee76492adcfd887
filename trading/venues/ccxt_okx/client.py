"""ccxt's OKX client, as published, with what an order path needs hung into its own hooks.

`fetch` adds the deadline header, `handle_errors` notes what the venue answered, `nonce` and `seconds` follow the
venue's clock, the message handlers tell when a subscription stands and what an own order did. No file of the library
is touched and nothing of it replaced: each hook calls on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import aiohttp

from trading.venues.ccxt_okx.exchanged import SUBSCRIBED, current_exchange, told_ns
from trading.venues.ccxt_okx.slim_import import load_okx
from trading.venues.credentials import Credential
from trading.venues.interface import UnexpectedAnswer
from trading.venues.venue_time import VenueTime

okx: Any = load_okx()

PING_INTERVAL_MS = 1_000  # OKX answers text pings at any time; feed age must stay well under 3 s on a quiet market
MISSED_PONGS = 3
OPTIONS: dict[str, Any] = {
    "createOrder": "privatePostTradeOrder",
    "defaultType": "spot",
    "maxRetriesOnFailure": 0,
    "ws": {"compress": 0},
}


class OkxClient(okx):
    """`ccxt.pro.okx` for one account; `kinds` of markets, in ccxt's words, are all that it loads."""

    def __init__(
        self,
        base_url: str,
        ws_url: str,
        credential: Credential,
        time: VenueTime,
        session: aiohttp.ClientSession,
        timeout_s: float,
        kinds: tuple[str, ...] = ("spot",),
    ) -> None:
        self.venue_time = time
        self.queues: defaultdict[str, set[asyncio.Queue[Any]]] = defaultdict(set)  # by channel and instrument
        # ccxt logs request headers, the passphrase among them, at DEBUG: not on any logger of ours.
        quiet = logging.getLogger("trading.venues.ccxt_okx.library")
        quiet.setLevel(logging.INFO)
        super().__init__(
            {
                "apiKey": credential.key_id,
                "secret": credential.secret,
                "password": credential.passphrase,
                "session": session,
                "logger": quiet,
                "timeout": round(timeout_s * 1000),
                "enableRateLimit": False,  # trading.venues.throttle does it, cancels first
                "options": OPTIONS | {"fetchMarkets": {"types": list(kinds)}},
            }
        )
        self.urls["api"] = {"rest": base_url, "ws": ws_url}
        self.has["fetchCurrencies"] = False
        self.streaming: dict[str, Any] = {
            **okx.streaming,
            **self.describe()["streaming"],
            "keepAlive": PING_INTERVAL_MS,
            "maxPingPongMisses": MISSED_PONGS,
        }
        self.timeout_on_exit = 0

    def __repr__(self) -> str:
        return f"OkxClient({self.urls['api']['rest']})"

    def nonce(self) -> int:
        """Milliseconds on the venue's clock: what requests are stamped with."""
        return self.venue_time.now_ms()

    def seconds(self) -> int:
        """Seconds on the venue's clock: what a stream's login is stamped with."""
        return self.venue_time.now_ms() // 1000

    async def fetch(self, url: Any, method: Any = "GET", headers: Any = None, body: Any = None) -> Any:
        """Send; the deadline goes with it as OKX's `expTime` header."""
        exchanged = current_exchange()
        if exchanged is not None and exchanged.expires_ms is not None:
            headers = {**(headers or {}), "expTime": str(exchanged.expires_ms)}
        return await super().fetch(url, method, headers, body)

    def handle_errors(
        self,
        httpCode: Any,
        reason: Any,
        url: Any,
        method: Any,
        headers: Any,
        body: Any,
        response: Any,
        requestHeaders: Any,
        requestBody: Any,
    ) -> Any:
        """Note the answer, then let ccxt judge it. A good status without OKX's envelope is no answer at all."""
        exchanged = current_exchange()
        if exchanged is not None:
            exchanged.note(httpCode, headers, response)
        if httpCode == 200 and not (isinstance(response, dict) and isinstance(response.get("data"), list)):
            raise UnexpectedAnswer("the venue's answer is not in OKX's form")
        return super().handle_errors(
            httpCode, reason, url, method, headers, body, response, requestHeaders, requestBody
        )

    def handle_subscription_status(self, client: Any, message: Any) -> Any:
        """A subscription stands: told in order with what follows, so that nothing new comes before its reset."""
        self._tell(_key(message), (SUBSCRIBED,))
        return super().handle_subscription_status(client, message)

    def handle_orders(self, client: Any, message: Any) -> Any:
        """Every own order row: ccxt's cache would keep only the last state of an order."""
        told = super().handle_orders(client, message)
        self._tell("orders:", message.get("data") or ())
        return told

    def handle_trades(self, client: Any, message: Any) -> Any:
        """Every print: a `watch` that returned a moment too early would show the next one only with its successor."""
        told = super().handle_trades(client, message)
        self._tell(_key(message), message.get("data") or ())
        self._compare_clocks(message)
        return told

    def handle_order_book(self, client: Any, message: Any) -> Any:
        """That a book changed, for the same reason; which book it is now stands in `orderbooks`."""
        told = super().handle_order_book(client, message)
        self._tell(_key(message), (message.get("arg") or {},))
        self._compare_clocks(message)
        return told

    def _compare_clocks(self, message: Any) -> None:
        """Books and prints carry the venue's time: it is at least that late there."""
        venue_ns = told_ns(message)
        if venue_ns is not None:
            self.venue_time.told(venue_ns)

    def _tell(self, key: str, rows: Iterable[Any]) -> None:
        for queue in self.queues[key]:
            for row in rows:
                if queue.full():
                    # Nobody reads: what is dropped here must be fetched, which a reset says.
                    while not queue.empty():
                        queue.get_nowait()
                    queue.put_nowait(SUBSCRIBED)
                queue.put_nowait(row)


def _key(message: Any) -> str:
    argument = message.get("arg") or {}
    return f"{argument.get('channel', '')}:{argument.get('instId', '')}"
