"""Puts one venue's dialect, streams, control door and health on an aiohttp application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from trading.sandbox.server import dex_rest, okx_rest, okx_swap, okx_trade
from trading.sandbox.server.control import Control
from trading.sandbox.server.decoding import MAX_BODY_BYTES
from trading.sandbox.server.dex_auth import DexDialect
from trading.sandbox.server.dex_stream import PATH as DEX_STREAM_PATH
from trading.sandbox.server.dex_stream import DexSession
from trading.sandbox.server.endpoint import Dialect, add_routes, encode, error_middleware
from trading.sandbox.server.okx_stream import OkxSession
from trading.sandbox.server.okx_wire import OkxDialect
from trading.sandbox.server.streams import StreamHub
from trading.sandbox.server.venue import Venue

OKX_STREAM_PATHS = ("/ws/v5/public", "/ws/v5/private", "/ws/v5/business")


def build(venue: Venue) -> tuple[web.Application, StreamHub]:
    """The application of a venue and the hub of its streams (to be closed before the engine)."""
    dialect: Dialect = DexDialect() if venue.name == "dex" else OkxDialect()
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[error_middleware(dialect)])
    hub = StreamHub(venue)
    if venue.name == "dex":
        add_routes(app, venue, dialect, dex_rest.ROUTES)
        app.router.add_get(DEX_STREAM_PATH, hub.endpoint(DexSession))
    else:
        add_routes(app, venue, dialect, okx_trade.ROUTES + okx_rest.ROUTES + okx_swap.ROUTES)
        for path in OKX_STREAM_PATHS:
            app.router.add_get(path, hub.endpoint(OkxSession))
    Control(venue, hub).add_routes(app)
    app.router.add_get("/healthz", _health(venue))
    return app, hub


def _health(venue: Venue) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        del request
        age_s = round(time.monotonic() - venue.last_market_event, 3)
        word = "halted" if venue.halted else "ok"
        markets = {symbol: venue.labels.get(symbol, "") for symbol in venue.exchange.instruments}
        status = {"status": word, "venue": venue.name, "market_event_age_s": age_s, "markets": markets}
        return web.Response(text=encode(status), status=503 if venue.halted else 200, content_type="application/json")

    return handle
