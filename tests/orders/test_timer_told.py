"""What the venue's timer cancelled is counted and logged when it is committed, and not before."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from structlog.testing import capture_logs

from tests.support.demo import declare_two_markets
from trading.metrics import ORDERS_ENDED_BY_TIMER
from trading.models import Event, Market, Order
from trading.orders.records import OrderRecord, write_records

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEX = "dct-usdt-dex"


def ended(reason: str) -> OrderRecord:
    return OrderRecord("o1", "CANCELLED", "v1", Decimal(1), Decimal(1), Decimal(0), None, None, reason)


def counted() -> float:
    return ORDERS_ENDED_BY_TIMER.labels(DEX)._value.get()


def test_it_is_told_with_the_commit(
    db: None, redis_url: str, django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]]
) -> None:
    declare_two_markets(NOW)
    Order.objects.create(
        client_order_id="o1", market=Market.objects.get(slug=DEX), side="buy", epoch=1, price=1, size=1, status="LIVE",
        parameter_version=1, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    before = counted()
    with capture_logs() as logs:
        with pytest.raises(RuntimeError), transaction.atomic():
            write_records([ended("cancel_after")], NOW)
            raise RuntimeError
        assert (counted() - before, logs) == (0, []), "taken back, so it never was"
        with django_capture_on_commit_callbacks(execute=True):
            assert write_records([ended("cancel_after")], NOW) == 1
            assert (counted() - before, logs) == (0, [])
    assert counted() - before == 1
    assert [(one["event"], one["market"], one["orders"]) for one in logs if one["log_level"] == "warning"] == [
        ("orders_cancelled_by_timer", DEX, ["o1"])
    ]
    assert Event.objects.filter(type="order.timer_cancelled").count() == 1
