"""Order entry of the OKX v5 dialect. Each order of a request succeeds or fails by itself, in its own row."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping

from trading.sandbox.server.decoding import (
    integer,
    json_document,
    json_object,
    money,
    optional_integer,
    optional_money,
    optional_text,
    text,
)
from trading.sandbox.server.endpoint import Call, Route
from trading.sandbox.server.errors import ApiError, bad_parameter, from_reject, missing_parameter
from trading.sandbox.server.okx_shapes import symbol_named
from trading.sandbox.server.okx_wire import AMEND_CODES, CANCEL_CODES, MESSAGE_STARTS, PLACE_CODES, rows_envelope
from trading.sandbox.types import OrderType, PlaceOrder, Reject, Side

Fields = Mapping[str, object]
Action = Callable[[Call, Fields], dict[str, str]]

MAX_BATCH = 20
MAX_MS = 10**14
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_TYPES = {"limit": OrderType.LIMIT, "post_only": OrderType.POST_ONLY, "ioc": OrderType.IOC}


def symbol_of(call: Call, fields: Fields) -> str:
    """The engine's symbol of the request's `instId`."""
    symbol = symbol_named(call.venue.exchange.instruments, text(fields, "instId"))
    if symbol is None:
        raise ApiError(404, "unknown_symbol", "Instrument ID does not exist")
    return symbol


def client_id_of(fields: Fields) -> str | None:
    """The request's `clOrdId`, checked: letters and digits, at most 32."""
    value = optional_text(fields, "clOrdId")
    if value is not None and not _CLIENT_ID.fullmatch(value):
        raise bad_parameter("clOrdId", "letters and digits, at most 32")
    return value


def reference(fields: Fields) -> tuple[str | None, str | None]:
    """(ordId, None) or (None, clOrdId); `ordId` wins when both are there."""
    order_id, client_id = optional_text(fields, "ordId"), client_id_of(fields)
    if order_id is None and client_id is None:
        raise missing_parameter("ordId or clOrdId")
    return (order_id, None) if order_id is not None else (None, client_id)


def _deadline_ns(call: Call, fields: Fields) -> int | None:
    """`expTime` of the header (as the exchange has it) or of the body, whichever ends earlier."""
    sources: list[Fields] = [{"expTime": call.headers.get("expTime")}, fields]
    times = [optional_integer(source, "expTime", 0, MAX_MS) for source in sources]
    given = [value for value in times if value is not None]
    return call.venue.clock.from_venue_ms(min(given)) if given else None


def _choice(fields: Fields, name: str, allowed: tuple[str, ...]) -> str:
    value = text(fields, name)
    if value not in allowed:
        raise bad_parameter(name, "one of " + ", ".join(allowed))
    return value


def _check_mode(fields: Fields, *, is_perpetual: bool) -> None:
    """Spot trades cash; a perpetual cross margin in net mode, and no order of it is reduce-only."""
    _choice(fields, "tdMode", ("cross",) if is_perpetual else ("cash",))
    if not is_perpetual:
        return
    if optional_text(fields, "posSide") not in (None, "net"):
        raise bad_parameter("posSide", "net")
    if fields.get("reduceOnly") not in (None, "", False, "false"):
        raise bad_parameter("reduceOnly", "false")


def place_one(call: Call, fields: Fields) -> dict[str, str]:
    """Place one order; returns its ids."""
    symbol = symbol_of(call, fields)
    _check_mode(fields, is_perpetual=call.venue.exchange.instruments[symbol].is_perpetual)
    if fields.get("tgtCcy") not in (None, "", "base_ccy"):
        raise bad_parameter("tgtCcy", "base_ccy")
    wanted = PlaceOrder(
        symbol=symbol,
        side=Side(_choice(fields, "side", ("buy", "sell"))),
        type=_TYPES[_choice(fields, "ordType", tuple(_TYPES))],
        price=money(fields, "px"),
        size=money(fields, "sz"),
        client_order_id=client_id_of(fields) or uuid.uuid4().hex,
        deadline_ns=_deadline_ns(call, fields),
    )
    placed = call.venue.exchange.place(call.account, wanted, call.venue.clock.engine_ns())
    return {"ordId": placed.order_id, "clOrdId": placed.client_order_id, "tag": ""}


def amend_one(call: Call, fields: Fields) -> dict[str, str]:
    """Amend one order; `newSz` is the total size, filled part included."""
    symbol = symbol_of(call, fields)
    order_id, client_id = reference(fields)
    price, size = optional_money(fields, "newPx"), optional_money(fields, "newSz")
    if price is None and size is None:
        raise ApiError(400, "nothing_to_amend", "Either order price or amount is required.")
    amended = call.venue.exchange.amend(
        call.account,
        symbol,
        order_id=order_id,
        client_order_id=client_id,
        new_price=price,
        new_size=size,
        deadline_ns=_deadline_ns(call, fields),
        now_ns=call.venue.clock.engine_ns(),
    )
    request_id = optional_text(fields, "reqId") or ""
    return {"ordId": amended.order_id, "clOrdId": amended.client_order_id, "reqId": request_id}


def cancel_one(call: Call, fields: Fields) -> dict[str, str]:
    """Cancel one order."""
    symbol = symbol_of(call, fields)
    order_id, client_id = reference(fields)
    now_ns = call.venue.clock.engine_ns()
    gone = call.venue.exchange.cancel(call.account, symbol, order_id=order_id, client_order_id=client_id, now_ns=now_ns)
    return {"ordId": gone.order_id, "clOrdId": gone.client_order_id}


def _row(call: Call, fields: Fields, action: Action, codes: Mapping[str, str]) -> dict[str, str]:
    stamp = str(call.venue.clock.venue_ms())
    try:
        try:
            return {**action(call, fields), "sCode": "0", "sMsg": "", "ts": stamp}
        except Reject as reject:
            raise from_reject(reject) from None
    except ApiError as error:
        given = fields.get("clOrdId")
        order_id = fields.get("ordId")
        return {
            "ordId": order_id if isinstance(order_id, str) else "",
            "clOrdId": given if isinstance(given, str) else "",
            "sCode": codes.get(error.code, "51000"),
            "sMsg": MESSAGE_STARTS.get(error.code, "") + error.message,
            "ts": stamp,
        }


def single(name: str, action: Action, codes: Mapping[str, str]) -> Callable[[Call], object]:
    """A handler for one order in an object."""

    def handle(call: Call) -> object:
        fields = json_object(call.body)
        instrument = fields.get("instId")
        call.venue.throttle.take(call.caller, name, instrument if isinstance(instrument, str) else "")
        return rows_envelope([_row(call, fields, action, codes)])

    return handle


def batch(name: str, action: Action, codes: Mapping[str, str]) -> Callable[[Call], object]:
    """A handler for a list of orders. One order in a batch counts as a single one, as on the exchange."""

    def handle(call: Call) -> object:
        items = json_document(call.body)
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise ApiError(400, "malformed_body", "a list of orders is required")
        if len(items) > MAX_BATCH:
            raise ApiError(400, "invalid_parameter", f"at most {MAX_BATCH} orders can be placed in bulk")
        if len(items) == 1:
            instrument = items[0].get("instId")
            call.venue.throttle.take(call.caller, name, instrument if isinstance(instrument, str) else "")
        else:
            call.venue.throttle.take(call.caller, f"{name}_batch", cost=len(items))
        return rows_envelope([_row(call, item, action, codes) for item in items])

    return handle


def cancel_all_after(call: Call) -> object:
    """Arm the dead man's switch: `timeOut` 0, or 10 to 120 seconds as on the exchange."""
    timeout_s = integer(json_object(call.body), "timeOut", 0, 120, -1)
    if timeout_s == -1:
        raise missing_parameter("timeOut")
    if 0 < timeout_s < 10:
        raise bad_parameter("timeOut", "0, or between 10 and 120")
    clock = call.venue.clock
    trigger_ns = call.venue.exchange.cancel_after(call.account, timeout_s or None, clock.engine_ns())
    trigger = "0" if trigger_ns is None else str(clock.shown_ms(trigger_ns))
    return [{"triggerTime": trigger, "tag": "", "ts": str(clock.venue_ms())}]


API = "/api/v5"
ROUTES = (
    Route("POST", f"{API}/trade/order", "place", "", True, single("place", place_one, PLACE_CODES)),
    Route("POST", f"{API}/trade/batch-orders", "place", "", True, batch("place", place_one, PLACE_CODES)),
    Route("POST", f"{API}/trade/amend-order", "amend", "", True, single("amend", amend_one, AMEND_CODES)),
    Route("POST", f"{API}/trade/amend-batch-orders", "amend", "", True, batch("amend", amend_one, AMEND_CODES)),
    Route("POST", f"{API}/trade/cancel-order", "cancel", "", True, single("cancel", cancel_one, CANCEL_CODES)),
    Route("POST", f"{API}/trade/cancel-batch-orders", "cancel", "", True, batch("cancel", cancel_one, CANCEL_CODES)),
    Route("POST", f"{API}/trade/cancel-all-after", "cancel_after", "cancel_after", True, cancel_all_after),
)
