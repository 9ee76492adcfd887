"""Orders on our accounts that this installation did not send: somebody's by hand, or those of another copy of the portal.

Every order of ours has a row in PostgreSQL before its bytes leave. So one that rests and has no row was sent by somebody else:
if its id is of our form by another copy of the portal (two must not quote through one account), else by hand, which is dealt
with as the account's policy says. Nothing here sends: a foreign order enters the hot state, and the cycle cancels or counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import redis.asyncio
import structlog
from django.conf import settings
from django.db import transaction

from trading import metrics
from trading.events.services import record
from trading.hot_state.foreign import Occupied, mark_occupied
from trading.hot_state.orders import put_foreign
from trading.models import Order
from trading.orders.client_ids import parse_client_order_id
from trading.venues.interface import OwnOrder

log = structlog.get_logger(__name__)
# Longer than two looks at what rests, and than a venue's dead man's switch needs to take the orders of a dead copy off.
KEEP_AWAY_S = 35.0
# Two copies that began in the same second keep away for different times, so that one of them finds the account free.
KEEP_AWAY_SPREAD_S = 15


class ForeignPolicy(StrEnum):
    """What becomes of an order that nobody here sent: it is cancelled, or left and counted in worst-case exposure."""

    CANCEL = "cancel"
    ADOPT = "adopt"


class AccountInUse(Exception):
    """Another copy of the portal has orders on the account. The message is its name in client order ids."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Orders of one account, by who sent them."""

    ours: tuple[OwnOrder, ...]
    by_hand: tuple[OwnOrder, ...]
    of_another_copy: tuple[OwnOrder, ...]


def policy_of(account: str) -> ForeignPolicy:
    """The account's policy (environment: FOREIGN_ORDERS, whose words the settings check)."""
    word = settings.FOREIGN_ORDERS.get(account, settings.FOREIGN_ORDERS.get("*", ForeignPolicy.CANCEL.value))
    return ForeignPolicy.ADOPT if word == ForeignPolicy.ADOPT.value else ForeignPolicy.CANCEL


def tell_apart(orders: Sequence[OwnOrder]) -> Apart:
    """By their rows. Raises DatabaseError: then nothing is known."""
    ids = [order.client_order_id for order in orders]
    known = (
        set(Order.objects.filter(client_order_id__in=ids).values_list("client_order_id", flat=True)) if ids else set()
    )
    others = [order for order in orders if order.client_order_id not in known]
    return Apart(
        ours=tuple(order for order in orders if order.client_order_id in known),
        by_hand=tuple(order for order in others if parse_client_order_id(order.client_order_id) is None),
        of_another_copy=tuple(order for order in others if parse_client_order_id(order.client_order_id) is not None),
    )


def keep_away_s(installation: str) -> float:
    """How long this installation keeps away after it last saw another's orders."""
    return KEEP_AWAY_S + int.from_bytes(sha256(installation.encode()).digest()[:2]) % (KEEP_AWAY_SPREAD_S + 1)


async def note_other_copy(
    client: redis.asyncio.Redis, account: str, orders: Sequence[OwnOrder], installation: str, now_ns: int
) -> tuple[str, bool]:
    """Mark the account as used by another copy; (its name, whether that is news)."""
    shown = min(orders, key=lambda order: order.client_order_id).client_order_id
    parts = parse_client_order_id(shown)
    name = "" if parts is None else parts.installation
    until_ns = now_ns + round(keep_away_s(installation) * 1e9)
    is_news = await mark_occupied(client, Occupied(account, name, shown, now_ns, until_ns))
    metrics.ACCOUNT_IN_USE.labels(account).set(1)
    if is_news:
        log.error("account_in_use", account=account, other_installation=name, client_order_id=shown, orders=len(orders))
    return name, is_news


async def note_by_hand(
    client: redis.asyncio.Redis, account: str, orders: Iterable[OwnOrder], now_ns: int
) -> list[OwnOrder]:
    """Put orders sent by hand into their markets' hot state, under the account's policy; those that are news."""
    policy, news = policy_of(account), []
    for order in orders:
        if await put_foreign(client, order.market, order, policy.value, now_ns):
            news.append(order)
    for order in news:
        metrics.FOREIGN_ORDERS.labels(account, policy.value).inc()
        log.error(
            "foreign_order",
            account=account,
            market=order.market,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            policy=policy.value,
        )
    return news


def record_by_hand(account: str, orders: Sequence[OwnOrder], now: datetime) -> None:
    """An event for each order that somebody placed by hand."""
    if not orders:
        return
    with transaction.atomic():
        for order in orders:
            payload = {
                "account": account,
                "market": order.market,
                "client_order_id": order.client_order_id,
                "venue_order_id": order.venue_order_id,
                "side": order.side.value,
                "price": order.price,
                "size": order.size,
                "filled": order.filled,
                "policy": policy_of(account).value,
            }
            record(f"account:{account}", "order.foreign", payload, occurred_at=now)


def record_other_copy(account: str, installation: str, orders: Sequence[OwnOrder], now: datetime) -> None:
    """An event: another copy of the portal quotes through the account."""
    payload = {
        "account": account,
        "installation": installation,
        "orders": sorted(order.client_order_id for order in orders)[:20],
    }
    with transaction.atomic():
        record(f"account:{account}", "account.in_use", payload, occurred_at=now)
