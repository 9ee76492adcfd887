"""What workers are told through the hot state: never weaker than what stands, never in PostgreSQL's way."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from tests.controls.green import green
from tests.support.demo import declare_two_markets
from trading.controls.services import Actor, ControlRefused, impose_lock, kill, pause, reduce, resume
from trading.hot_state import keys
from trading.hot_state.connection import quick_client, sync_client
from trading.hot_state.controls import HotControl, parse_controls, replace_sync, tighten_sync
from trading.models import TradingControl
from trading.risk.states import TradingState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOW_NS = 1_767_225_600_000_000_000
DEX = "dct-usdt-dex"
OPERATOR = Actor("u1", "Operator One", frozenset({"operator"}))


@pytest.fixture
def desk(committed_db: None, redis_url: str) -> Iterator[None]:
    sync_client.cache_clear()
    quick_client.cache_clear()
    declare_two_markets(NOW)
    green(NOW)
    yield
    quick_client.cache_clear()


def told(at_ns: int = NOW_NS) -> tuple[str, ...]:
    return parse_controls([sync_client().hget(keys.controls(), DEX)], at_ns)


def test_kill_then_a_reducing_lock_stays_halted(desk: None) -> None:
    kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key="k1", now=NOW)
    assert told() == ("halted",)
    impose_lock(DEX, TradingState.REDUCING, "reconciliation", "differs", imposed_by="ledger", now=NOW)
    assert told() == ("halted",)


def test_a_refused_pause_of_a_halted_market_tells_nothing(desk: None) -> None:
    kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key="k1", now=NOW)
    sync_client().delete(keys.controls())
    with pytest.raises(ControlRefused):
        pause(DEX, actor=OPERATOR, reason="calmer", idempotency_key="k2", now=NOW)
    assert told() == ()


def test_after_loosening_what_still_stands_is_told(desk: None) -> None:
    pause(DEX, actor=OPERATOR, reason="look", idempotency_key="k1", now=NOW)
    reduce(DEX, actor=OPERATOR, reason="careful", idempotency_key="k2", now=NOW)
    assert told() == ("reducing",)
    resume(DEX, actor=OPERATOR, reason="fine", idempotency_key="k3", now=NOW)
    assert told() == ()


def test_a_loosening_does_not_take_back_a_newer_tightening(redis_url: str) -> None:
    quick_client.cache_clear()
    assert tighten_sync(HotControl(DEX, "halted", NOW_NS + 1_000_000))
    assert not replace_sync(HotControl(DEX, "active", NOW_NS))
    assert told(NOW_NS + 1_000_000) == ("halted",)


def test_the_stricter_stays_while_it_counts(redis_url: str) -> None:
    quick_client.cache_clear()
    assert tighten_sync(HotControl(DEX, "halted", NOW_NS))
    assert not tighten_sync(HotControl(DEX, "paused", NOW_NS + 4_000_000_000))
    assert told(NOW_NS + 4_000_000_000) == ("halted",)
    assert tighten_sync(HotControl(DEX, "paused", NOW_NS + 6_000_000_000))
    assert told(NOW_NS + 6_000_000_000) == ("paused",)
    assert tighten_sync(HotControl(DEX, "halted", NOW_NS + 6_000_000_000))
    assert told(NOW_NS + 6_000_000_000) == ("halted",)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"state":"open","at_ns":1}', b'{"state":"halted"}'])
def test_an_entry_that_cannot_be_read_is_not_weakened(redis_url: str, body: bytes) -> None:
    quick_client.cache_clear()
    sync_client().hset(keys.controls(), DEX, body)
    assert not tighten_sync(HotControl(DEX, "reducing", NOW_NS))
    assert sync_client().hget(keys.controls(), DEX) == body


def test_a_hung_redis_does_not_keep_a_kill_waiting(desk: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://:x@127.0.0.1:{silent.getsockname()[1]}/0"
        with override_settings(REDIS_URL=address):
            quick_client.cache_clear()
            began = time.monotonic()
            kill(DEX, actor=OPERATOR, reason="emergency", idempotency_key="k1", now=NOW + timedelta(seconds=1))
            took_s = time.monotonic() - began
    assert TradingControl.objects.get(scope=DEX).state == "HALTED"
    assert took_s < 1.0
