"""The control door of the sandbox: faults, clock, streams, the ledger's totals. Guarded by its own token."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from trading.sandbox.server.decoding import json_document, json_object, money, optional_signed, text
from trading.sandbox.server.dex_shapes import funding_rate, plain
from trading.sandbox.server.endpoint import encode, read_body
from trading.sandbox.server.errors import ApiError, bad_parameter, from_reject
from trading.sandbox.server.faults import FaultRule, rule_from_json
from trading.sandbox.server.keys import same
from trading.sandbox.server.streams import StreamHub
from trading.sandbox.server.venue import Venue
from trading.sandbox.types import Reject

HEADER = "X-Control-Token"
Action = Callable[[web.Request, bytes], object]


class Control:
    """Endpoints under /control/. Without a configured token none of them exists."""

    def __init__(self, venue: Venue, hub: StreamHub) -> None:
        self._venue = venue
        self._hub = hub
        self._started = time.monotonic()

    def add_routes(self, app: web.Application) -> None:
        """Register the door."""
        actions: list[tuple[str, str, Action]] = [
            ("GET", "/control/status", self.status),
            ("POST", "/control/faults", self.add_faults),
            ("PUT", "/control/faults", self.replace_faults),
            ("DELETE", "/control/faults", self.clear_faults),
            ("DELETE", "/control/faults/{rule_id}", self.remove_fault),
            ("PUT", "/control/clock", self.set_clock),
            ("POST", "/control/streams/drop", self.drop_streams),
            ("POST", "/control/deposit", self.deposit),
            ("POST", "/control/withdraw", self.withdraw),
            ("PUT", "/control/funding", self.set_funding),
            ("GET", "/control/export", self.export),
            ("GET", "/control/resting", self.resting),
            ("GET", "/control/totals", self.totals),
        ]
        for method, path, action in actions:
            app.router.add_route(method, path, self._guarded(action))

    def _guarded(self, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            token = self._venue.control_token
            if not token:
                return _refuse(ApiError(404, "unknown_endpoint", "no such endpoint"))
            if not same(request.headers.get(HEADER, ""), token):
                return _refuse(ApiError(401, "invalid_token", f"{HEADER} is missing or wrong"))
            try:
                payload = action(request, await read_body(request))
            except ApiError as error:
                return _refuse(error)
            except Reject as reject:
                return _refuse(from_reject(reject))
            return web.Response(text=encode(payload), content_type="application/json")

        return handle

    def status(self, request: web.Request, body: bytes) -> object:
        """Faults in force, counters of faults applied, clock, streams."""
        del request, body
        venue = self._venue
        return {
            "venue": venue.name,
            "pid": os.getpid(),
            "uptime_s": round(time.monotonic() - self._started, 3),
            "clock_skew_s": venue.clock.skew_s,
            "streams": len(self._hub),
            "subscriptions": self._hub.subscriptions(),
            "throttled": venue.throttle.refused,
            "faults": venue.faults.status(),
        }

    def add_faults(self, request: web.Request, body: bytes) -> object:
        """Put one rule, or a list of rules, in force; returns their ids."""
        del request
        document = json_document(body)
        rules = [_rule(item) for item in (document if isinstance(document, list) else [document])]
        return {"ids": [self._venue.faults.add(rule) for rule in rules]}

    def replace_faults(self, request: web.Request, body: bytes) -> object:
        """Put exactly these rules in force."""
        document = json_document(body)
        if not isinstance(document, list):
            raise ApiError(400, "malformed_body", "a list of fault rules is required")
        rules = [_rule(item) for item in document]
        self._venue.faults.clear()
        return {"ids": [self._venue.faults.add(rule) for rule in rules]}

    def clear_faults(self, request: web.Request, body: bytes) -> object:
        """Take every rule out of force."""
        del request, body
        self._venue.faults.clear()
        return self._venue.faults.status()

    def remove_fault(self, request: web.Request, body: bytes) -> object:
        """Take one rule out of force."""
        del body
        rule_id = request.match_info["rule_id"]
        known = rule_id.isascii() and rule_id.isdigit() and len(rule_id) < 10
        if not known or not self._venue.faults.remove(int(rule_id)):
            raise ApiError(404, "unknown_rule", "no such fault rule")
        return self._venue.faults.status()

    def set_clock(self, request: web.Request, body: bytes) -> object:
        """Make the venue's clock wrong by `skew_s` seconds."""
        del request
        skew = json_object(body).get("skew_s")
        if isinstance(skew, bool) or not isinstance(skew, (int, float)) or not -86400 <= skew <= 86400:
            raise bad_parameter("skew_s", "a number of seconds between -86400 and 86400")
        self._venue.clock.skew_s = float(skew)
        return {"clock_skew_s": self._venue.clock.skew_s, "time_ms": self._venue.clock.venue_ms()}

    def drop_streams(self, request: web.Request, body: bytes) -> object:
        """Reset every WebSocket."""
        del request, body
        return {"dropped": self._hub.drop_all()}

    def deposit(self, request: web.Request, body: bytes) -> object:
        """Book a deposit: `account`, `asset`, `amount`, `transfer_id` (the same id books once)."""
        del request
        return self._transfer(json_object(body), 1)

    def withdraw(self, request: web.Request, body: bytes) -> object:
        """Book a withdrawal of free balance; the same fields."""
        del request
        return self._transfer(json_object(body), -1)

    def _transfer(self, fields: Mapping[str, object], sign: int) -> object:
        account, asset, transfer_id = (text(fields, name) for name in ("account", "asset", "transfer_id"))
        amount, now_ns = sign * money(fields, "amount"), self._venue.clock.engine_ns()
        booked = self._venue.exchange.deposit(account, asset, amount, now_ns, transfer_id)
        return {"transfer_id": booked.transfer_id, "seq": booked.seq}

    def set_funding(self, request: web.Request, body: bytes) -> object:
        """Fix the rate of a perpetual's next fundings (`symbol`, `rate`; null: the cycle again)."""
        del request
        fields, clock = json_object(body), self._venue.clock
        symbol, rate = text(fields, "symbol"), optional_signed(fields, "rate")
        return funding_rate(self._venue.exchange.set_funding_rate(symbol, rate, clock.engine_ns()), clock)

    def export(self, request: web.Request, body: bytes) -> object:
        """Everything of one account (`?account=desk`)."""
        del body
        return self._venue.exchange.export(text(request.query, "account"))

    def resting(self, request: web.Request, body: bytes) -> object:
        """Open orders of one account (`?account=desk`) and when its cancel-after timer fires (null: not armed)."""
        del body
        account, exchange = text(request.query, "account"), self._venue.exchange
        orders = [
            {"client_order_id": order.client_order_id, "symbol": order.symbol, "side": order.side.value}
            for order in exchange.open_orders(account)
        ]
        now_ns = self._venue.clock.engine_ns()
        return {"orders": orders, "timer_ns": exchange.cancels_at_ns(account), "now_ns": now_ns}

    def totals(self, request: web.Request, body: bytes) -> object:
        """Per asset the sum over all accounts: changes only by booked transfers."""
        del request, body
        return {asset: plain(total) for asset, total in self._venue.exchange.asset_totals().items()}


def _rule(document: object) -> FaultRule:
    try:
        return rule_from_json(document)
    except ValueError as error:
        raise ApiError(400, "invalid_parameter", str(error)) from None


def _refuse(error: ApiError) -> web.Response:
    text_body = encode({"error": {"code": error.code, "message": error.message}})
    return web.Response(status=error.status, text=text_body, content_type="application/json")
