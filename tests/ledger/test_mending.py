"""Edited Redis: what nobody of us can have written is set aside, counted and told, and the ledger goes on."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.ledger.desk import NOW, NOW_NS, D, fill
from tests.ledger.test_processing import run_consumer
from tests.support.servers import wait_until
from trading.clock import FakeClock
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import HotPosition
from trading.ledger.desk import read_desk
from trading.ledger.mending import mend_hot_state
from trading.models import Event, Fill, FillQuarantine, Position

SLUG = "dct-usdt-dex"
pytestmark = pytest.mark.usefixtures("committed_desk")


def kept(key: str) -> int:
    return len(sync_client().keys(f"{keys.SET_ASIDE}*:{key.removeprefix(keys.PREFIX)}"))


def test_keys_of_a_wrong_type_are_renamed_and_told() -> None:
    client = sync_client()
    client.set(keys.inbox_pending(SLUG), "mine")
    client.rpush(keys.position(SLUG), "a", "b")
    client.set(keys.reservations(), "1")
    client.set(keys.open_orders("gram-usdt-cex"), "x")
    client.hset(keys.controls(), "desk", "kept as it is")
    wrong = {keys.inbox_pending(SLUG), keys.position(SLUG), keys.reservations(), keys.open_orders("gram-usdt-cex")}
    assert set(mend_hot_state(client, read_desk(), NOW)) == wrong
    assert client.exists(*wrong) == 0
    assert all(kept(key) == 1 for key in wrong)
    assert client.hget(keys.controls(), "desk") == b"kept as it is"
    assert set(Event.objects.get(type="hot_state.set_aside").payload["keys"]) == wrong
    assert mend_hot_state(client, read_desk(), NOW) == ()


def test_pending_without_an_entry_is_taken_off_and_with_one_it_stays() -> None:
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    client.hset(keys.inbox_pending(SLUG), "somebody|made|this|up|1", "1000000")
    assert mend_hot_state(client, read_desk(), NOW) == ()
    client.delete(keys.INBOX_STREAM)
    assert mend_hot_state(client, read_desk(), NOW) == (SLUG,)
    assert inbox.read_pending_sync(SLUG) == {}


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "1E+999999", "junk", "", "-1E+21"])
def test_a_pending_quantity_that_is_none_makes_the_inventory_unknown(quantity: str) -> None:
    client = sync_client()
    inbox.commit_position(client, HotPosition(SLUG, 1, *(D(1),) * 5, 1), ())
    client.hset(keys.inbox_pending(SLUG), "k", quantity)
    assert inbox.hot_inventory_sync(SLUG).q is None
    assert inbox.read_pending_sync(SLUG) == {}


@pytest.mark.parametrize("q", ["NaN", "Infinity", "1E+30"])
def test_a_position_that_is_none_is_unknown(q: str) -> None:
    sync_client().set(keys.position(SLUG), encode(HotPosition(SLUG, 1, D(q), *(D(1),) * 4, 1)))
    assert inbox.hot_inventory_sync(SLUG).q is None


GARBAGE: tuple[dict[bytes, bytes], ...] = (
    {b"x": b"y"},
    {b"k": b"fill"},
    {b"k": b"fill", b"b": b"\xff\xfe"},
    {b"k": b"fill", b"b": b"[" * 9000},
    {b"k": b"fill", b"b": b"x" * 100_000},
    {b"k": b"transfer", b"b": b"{}"},
    {b"k": b"cursor", b"b": b'{"account": "dex-desk", "channel": "fills", "cursor": 7}'},
    {b"k": b"order", b"b": b"{}"},
)
BAD_FILLS = (
    {"size": D("-5")},
    {"size": D(0)},
    {"price": D("-1")},
    {"size": D("1E+400")},
    {"price": D("NaN")},
    {"size": D("Infinity")},
    {"fee": D("1E+90")},
    {"side": "hold"},
    {"market": "nowhere"},
    {"venue_ns": -1},
    {"venue_ns": 10**30},
    {"trade_id": "t\x00"},
    {"trade_id": "t" * 5000},
    {"fee_asset": "moon"},
)


def test_garbage_in_the_inbox_is_set_aside_one_by_one_and_everything_else_is_booked() -> None:
    client, stop = sync_client(), threading.Event()
    thread = run_consumer(stop, FakeClock(NOW_NS))
    try:
        for number, fields in enumerate(GARBAGE):
            client.xadd(keys.INBOX_STREAM, fields)
            inbox.append_fill(client, fill(f"good-{number}"))
        for number, changes in enumerate(BAD_FILLS):
            inbox.append_fill(client, fill(**({"trade_id": f"bad-{number}"} | changes)))
        wait_until(lambda: inbox.inbox_length(client) == 0, 30, "an empty inbox")
        assert Fill.objects.count() == len(GARBAGE)
        assert Position.objects.get(market__slug=SLUG).q == 100 * len(GARBAGE)
        assert client.xlen(keys.DEAD_LETTERS) == len(GARBAGE) + len(BAD_FILLS)
        assert FillQuarantine.objects.count() == len(GARBAGE) + len(BAD_FILLS)
        assert inbox.hot_inventory_sync(SLUG).q == 100 * len(GARBAGE)
    finally:
        stop.set()
        thread.join(10)


@pytest.mark.parametrize(
    "key", [keys.INBOX_STREAM, keys.DEAD_LETTERS, keys.inbox_pending(SLUG), keys.applied_fills(SLUG)]
)
def test_the_ledger_outlives_a_key_replaced_under_it(key: str) -> None:
    client, stop, clock = sync_client(), threading.Event(), FakeClock(NOW_NS)
    thread = run_consumer(stop, clock)

    def lands(trade_id: str) -> Any:
        def tried() -> bool:
            clock.advance(6)
            try:
                inbox.append_fill(client, fill(trade_id))
            except Exception:
                return False
            return Fill.objects.filter(trade_id=trade_id).exists()

        return tried

    try:
        wait_until(lands("before"), 30, "a fill booked")
        client.delete(key)
        client.set(key, "somebody's")
        wait_until(lands("after"), 30, "a fill booked afterwards", 0.3)
        assert kept(key) == 1
    finally:
        stop.set()
        thread.join(10)
