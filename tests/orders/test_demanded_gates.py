"""A market that demands a gate which is closed or missing raises no exposure, whoever asks the order gate."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError

from dcmm_portal.embedded.postgres import APP_ROLE
from tests.quoting.world import CEX, DEX, World
from trading.clock import to_datetime
from trading.hot_state import keys
from trading.models import Market, NamedGate, Order, TradingControl
from trading.orders.gate import GateAnswer, GateRequest, Intent, pass_gate


def set_gate(world: World, is_open: bool) -> None:
    now = to_datetime(world.clock.now_ns())
    values = {"is_open": is_open, "reason": "test", "changed_at": now, "changed_by": "test"}
    NamedGate.objects.update_or_create(name="disclosures", defaults=values)


def demand(slug: str = DEX) -> None:
    Market.objects.filter(slug=slug).update(demanded_gates="disclosures")


def asked(world: World, turn: str, slug: str = DEX) -> GateAnswer:
    """A buy that raises exposure and a sell that reduces it."""
    now = to_datetime(world.clock.now_ns())

    def intent(name: str, side: str, reduces: bool) -> Intent:
        return Intent(
            f"{turn}-{name}", side, 0, Decimal("0.27"), Decimal(1000), reduces, False, now + timedelta(seconds=2)
        )

    intents = (intent("raises", "buy", False), intent("reduces", "sell", True))
    market = Market.objects.get(slug=slug)
    return pass_gate(GateRequest(market.pk, slug, 2**40, 1, turn, now, intents))


def test_only_what_reduces_passes_while_the_gate_is_missing_or_closed(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APP_ROLE,)
    assert asked(world, "a").passed == {"a-raises", "a-reduces"}, "nobody demands it yet"
    demand()
    missing = asked(world, "b")
    assert (missing.passed, missing.reason) == ({"b-reduces"}, "state_forbids")
    assert missing.states == ("active", "active", "reducing")
    set_gate(world, is_open=False)
    assert asked(world, "c").passed == {"c-reduces"}
    assert asked(world, "d", CEX).passed == {"d-raises", "d-reduces"}, "the other market demands nothing"
    set_gate(world, is_open=True)
    assert asked(world, "e").passed == {"e-raises", "e-reduces"}
    set_gate(world, is_open=False)
    assert not Order.objects.filter(client_order_id__in=["b-raises", "c-raises"]).exists()


def test_what_is_stricter_still_rules(world: World) -> None:
    demand()
    set_gate(world, is_open=True)
    TradingControl.objects.filter(scope="desk").update(state="PAUSED")
    assert asked(world, "a").passed == frozenset()
    set_gate(world, is_open=False)
    assert asked(world, "b").passed == frozenset()


def test_an_order_is_not_amended_upwards_through_a_closed_gate(world: World) -> None:
    asked(world, "a")
    demand()
    now = to_datetime(world.clock.now_ns())
    bigger = Intent("a-raises", "buy", 0, Decimal("0.28"), Decimal(9000), False, True, now + timedelta(seconds=2))
    market = Market.objects.get(slug=DEX)
    answer = pass_gate(GateRequest(market.pk, DEX, 2**40, 1, "b", now, (bigger,)))
    assert (answer.passed, answer.reason) == (frozenset(), "state_forbids")
    assert Order.objects.get(client_order_id="a-raises").amend_size is None


def test_it_is_one_statement_still(world: World, django_assert_num_queries: Any) -> None:
    demand()
    now = to_datetime(world.clock.now_ns())
    intent = Intent("a", "buy", 0, Decimal("0.27"), Decimal(1000), False, False, now + timedelta(seconds=2))
    request = GateRequest(Market.objects.get(slug=DEX).pk, DEX, 2**40, 1, "a", now, (intent,))
    with django_assert_num_queries(1):
        assert pass_gate(request).passed == frozenset()


@pytest.mark.parametrize(
    "text", ["live", "disclosures,live", "Disclosures", " disclosures", "disclosures,", "disclosures\n"]
)
def test_the_database_knows_the_gates_that_can_be_demanded(world: World, text: str) -> None:
    with pytest.raises(IntegrityError, match="market_demands_known_gates"), transaction.atomic():
        Market.objects.filter(slug=DEX).update(demanded_gates=text)


def test_redis_has_no_say(world: World) -> None:
    """What is announced there may only tighten; a queued task asks the database anyway."""
    demand()
    world.redis.hset(keys.controls(), mapping={"desk": "active", DEX: "active"})
    assert asked(world, "a").passed == {"a-reduces"}
