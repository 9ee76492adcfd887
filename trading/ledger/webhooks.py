"""Fills that a venue pushes to us: believed only when signed and fresh, then put into the inbox like any other.

No receipt is kept. Being accepted means that the inbox took the fill, so a retry after our own failure works, and a repetition of
one already booked changes nothing: the ledger counts its key once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import redis
import structlog

from trading.hot_state.connection import sync_client
from trading.hot_state.inbox import append_fill
from trading.hot_state.market import push_poll_request_sync
from trading.hot_state.values import RawFill
from trading.ledger.desk import read_desk
from trading.registry.selectors import MarketRef, market_ref
from trading.venues.credentials import MissingCredential, read_webhook_secret
from trading.venues.decoding import mapping, text
from trading.venues.identity import Identities, VenueListing
from trading.venues.interface import InstrumentKind, UnexpectedAnswer
from trading.venues.signing import BadSignature, StaleStamp, verify_webhook
from trading.venues.ton_dex import shapes

log = structlog.get_logger(__name__)

LARGEST_BODY = 64 * 1024


class WebhookAnswer(StrEnum):
    """What became of a webhook."""

    ACCEPTED = "accepted"
    UNKNOWN_ACCOUNT = "unknown_account"
    BAD_SIGNATURE = "bad_signature"
    STALE_STAMP = "stale_stamp"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """What the door received. Header values are "" where missing; `body` exactly as sent."""

    account: str
    event_id: str
    timestamp: str
    signature: str
    body: bytes


class MalformedWebhook(ValueError):
    """A signed webhook that is not the fill it should be; the message names the field."""


def receive_fill(request: WebhookRequest, now_ns: int) -> tuple[WebhookAnswer, str]:
    """Deal with one webhook; the answer and a sentence for its sender. Nothing changes unless it is accepted.

    Database errors pass, for the door to answer that the venue should try again.
    """
    desk = read_desk()
    venue = next((venue for venue, account in desk.accounts if account == request.account), None)
    if venue is None:
        return WebhookAnswer.UNKNOWN_ACCOUNT, "there is no such account"
    if len(request.body) > LARGEST_BODY:
        return WebhookAnswer.TOO_LARGE, f"a webhook has at most {LARGEST_BODY} bytes"
    refusal = _refusal(request, now_ns)
    if refusal is not None:
        return refusal
    try:
        markets = [market_ref(m.slug) for m in desk.markets.values() if m.account == request.account]
        fill = _raw_fill(_fill_fields(request), venue, request.account, markets, now_ns)
    except (MalformedWebhook, UnexpectedAnswer) as problem:
        return WebhookAnswer.MALFORMED, str(problem)
    try:
        append_fill(sync_client(), fill)
    except redis.RedisError as problem:
        log.error("webhook_not_taken", account=request.account, problem=type(problem).__name__)
        return WebhookAnswer.UNAVAILABLE, "not taken: please send it again"
    return WebhookAnswer.ACCEPTED, "taken"


def _refusal(request: WebhookRequest, now_ns: int) -> tuple[WebhookAnswer, str] | None:
    try:
        secret = read_webhook_secret(request.account)
        verify_webhook(secret, request.timestamp, request.body, request.signature, now_ns, event_id=request.event_id)
    except BadSignature as problem:
        return WebhookAnswer.BAD_SIGNATURE, str(problem)
    except StaleStamp as problem:
        _ask_for_history(request.account)
        return WebhookAnswer.STALE_STAMP, f"{problem}; the fill will be read from the account's history"
    except MissingCredential as problem:
        log.error("webhook_secret_not_read", account=request.account, problem=str(problem))
        return WebhookAnswer.BAD_SIGNATURE, "no webhook secret is configured for this account"
    return None


def _ask_for_history(account: str) -> None:
    """What came too late to be believed is true all the same, in the venue's own history."""
    try:
        push_poll_request_sync(account, "stale_webhook")
    except redis.RedisError as problem:
        log.error("history_poll_not_requested", account=account, problem=type(problem).__name__)


def _fill_fields(request: WebhookRequest) -> Mapping[str, object]:
    try:
        message: object = msgspec.json.decode(request.body)
    except (ValueError, RecursionError):
        raise MalformedWebhook("the body is not JSON") from None
    fields = mapping(message, "the body")
    if text(fields, "event_id") != request.event_id:
        raise MalformedWebhook("event_id differs from the header TDX-EVENT-ID")
    if text(fields, "type") != "fill":
        raise MalformedWebhook("only webhooks of type 'fill' are taken here")
    return mapping(fields.get("fill"), "fill")


def _raw_fill(fields: Mapping[str, object], venue: str, account: str, markets: list[MarketRef], now_ns: int) -> RawFill:
    identities = Identities()
    identities.bind(markets, [_listing(market) for market in markets])
    fill = shapes.fill(fields, identities, from_history=False)
    # A symbol that is not ours goes into the inbox too: the ledger sets it aside, loudly.
    return RawFill(
        market=fill.market,
        venue=venue,
        account=account,
        symbol=text(fields, "symbol"),
        trade_id=fill.trade_id,
        order_id=fill.venue_order_id,
        client_order_id=fill.client_order_id,
        side=fill.side.value,
        price=fill.price,
        size=fill.size,
        maker=fill.maker,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        venue_ns=fill.venue_ns,
        source="webhook",
        received_ns=now_ns,
        realised_pnl=fill.realised_pnl,
    )


def _listing(market: MarketRef) -> VenueListing:
    """The venue's codes of the two assets stand in its symbol; the venue is not asked for every webhook."""
    base, _, rest = market.venue_symbol.replace("-", "/").replace(":", "/").partition("/")
    kind = InstrumentKind(market.instrument)
    return VenueListing(market.venue_symbol, base, rest.partition("/")[0], kind, market.contract_value)
