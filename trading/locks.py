"""The one lock order of the portal. Every transaction takes row locks through these functions, in this order, rows by key.

0. progress of sums, making of one report; proposals, then people (governance/review/locks.py, for transactions of review)
1. command receipts  2. controls and locks  3. rows of the registry, exposure limits, parameter sets  4. positions
5. cash balances  6. orders, then buybacks and payouts of an epoch (spaces 6 and 7, taken by trading/sql/treasury.sql)
7. event aggregates

Whoever needs several kinds calls the functions in that order; a kind that is not needed is left out. Two transactions that
keep to it can wait for each other, but never in a circle.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from django.db import connection

from trading.models import CashBalance, ExposureLimit, Order, ParameterSet, Position, TradingControl


def lock_progress(of: str) -> None:
    """Serialise whoever carries these sums on ("rollups") until the end of the transaction."""
    _advisory(3, of)


def try_lock_progress(of: str) -> bool:
    """As `lock_progress`, at once: whether the lock is had. False where somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _advisory_key(3, of))
        return bool(cursor.fetchone()[0])


def lock_command(key: str) -> None:
    """Serialise commands of one idempotency key until the end of the transaction (transaction-scoped advisory lock)."""
    _advisory(1, key)


def lock_controls(scopes: Iterable[str]) -> list[TradingControl]:
    """Control rows of `scopes`, locked; a scope's lock rows are protected by its control row."""
    return list(TradingControl.objects.select_for_update().filter(scope__in=list(scopes)).order_by("scope"))


def lock_registry(parts: Iterable[str]) -> None:
    """Serialise changes of the rows of those names ("market:dct-usdt-dex") until the end of the transaction, also of rows that
    are not there yet."""
    for part in sorted(set(parts)):
        _advisory(4, part)


def lock_limits(parts: Iterable[str]) -> list[ExposureLimit]:
    """The limits of those names ("asset:dct", "desk:usdt"), locked, also those that are not there yet."""
    wanted = sorted(set(parts))
    for part in wanted:
        _advisory(5, part)
    rows = ExposureLimit.objects.select_for_update().order_by("pk")
    return [row for row in rows.filter(key__in=[part.partition(":")[2] for part in wanted]) if str(row) in wanted]


def lock_parameter_sets(market_ids: Iterable[int]) -> list[ParameterSet]:
    return list(ParameterSet.objects.select_for_update().filter(market_id__in=list(market_ids)).order_by("market_id"))


def lock_positions(market_ids: Iterable[int]) -> list[Position]:
    return list(Position.objects.select_for_update().filter(market_id__in=list(market_ids)).order_by("market_id"))


def lock_cash_balances(account_ids: Iterable[int]) -> list[CashBalance]:
    return list(
        CashBalance.objects.select_for_update()
        .filter(account_id__in=list(account_ids))
        .order_by("account_id", "asset_id")
    )


def lock_orders(client_order_ids: Iterable[str]) -> list[Order]:
    return list(
        Order.objects.select_for_update().filter(client_order_id__in=list(client_order_ids)).order_by("client_order_id")
    )


def lock_aggregates(aggregates: Iterable[str]) -> None:
    """Serialise writers of the events of each aggregate until the end of the transaction."""
    for aggregate in sorted(set(aggregates)):
        _advisory(2, aggregate)


def _advisory(space: int, key: str) -> None:
    # Transaction-scoped, so that a transaction pooler keeps it; two keys with one checksum merely wait for each other.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _advisory_key(space, key))


def _advisory_key(space: int, key: str) -> list[int]:
    return [space, zlib.crc32(key.encode()) - 2**31]
