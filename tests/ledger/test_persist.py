"""The writer of snapshots: once a minute, never over a newer ledger number."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from tests.ledger.desk import NOW, D, entries, fill, view
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import HotPosition
from trading.ledger.persist import persist_state
from trading.ledger.processing import publish
from trading.ledger.services import apply_batch
from trading.models import MmState, Position, TradingControl

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]
SLUG = "dct-usdt-dex"


@pytest.fixture
def traded() -> None:
    for scope in ("desk", SLUG):
        TradingControl.objects.create(
            scope=scope, state="ACTIVE", reason="", actor_id="", actor_name="", changed_at=NOW
        )
    publish(sync_client(), apply_batch(entries(fill("1"), fill("2", "sell", "0.26", "40")), NOW))
    sync_client().set(keys.market_view(SLUG), encode(view(SLUG, "0.3")))


def test_one_snapshot_a_minute_however_often_it_runs(traded: None) -> None:
    counts = [persist_state(NOW + timedelta(seconds=seconds)) for seconds in (1, 30, 61)]
    assert counts == [1, 0, 1]
    row = MmState.objects.order_by("at")[0]
    assert (row.at, row.ledger_seq, row.state, row.mid, row.open_orders) == (NOW, 2, "ACTIVE", D("0.3"), 0)
    # 60 left of 100 bought at 0.25; 40 sold at 0.26; two fees of 0.01
    assert (row.inventory, row.realised, row.unrealised) == (D(60), D("0.38"), D(3))
    assert row.body["position"]["q"] == "60"


def test_a_hot_state_older_than_the_ledger_is_not_written(traded: None) -> None:
    apply_batch(entries(fill("3")), NOW)  # committed, not published yet
    assert (persist_state(NOW), MmState.objects.count()) == (0, 0)


def test_a_number_once_beyond_the_ledger_does_not_stop_the_snapshots_for_ever(traded: None) -> None:
    committed = sync_client().get(keys.position(SLUG))
    sync_client().set(keys.position(SLUG), encode(HotPosition(SLUG, 10**9, *(D(7),) * 5, 1)))
    assert persist_state(NOW) == 0
    MmState.objects.create(market=Position.objects.get().market, at=NOW, ledger_seq=10**9, state="ACTIVE", inventory=0,
                           realised=0, open_orders=0, body={})  # fmt: skip
    sync_client().set(keys.position(SLUG), committed)
    assert persist_state(NOW + timedelta(minutes=1)) == 1


def test_a_hot_state_older_than_the_last_snapshot_is_not_written(traded: None) -> None:
    persist_state(NOW)
    sync_client().set(keys.position(SLUG), encode(HotPosition(SLUG, 1, *(D(7),) * 5, 1)))
    assert persist_state(NOW + timedelta(minutes=1)) == 0
    assert MmState.objects.count() == 1


def test_positions_are_never_written(traded: None) -> None:
    before = Position.objects.values().get()
    sync_client().set(keys.position(SLUG), encode(HotPosition(SLUG, 99, *(D(7),) * 5, 1)))
    persist_state(NOW)
    assert Position.objects.values().get() == before


def test_pending_fills_are_in_the_inventory(traded: None) -> None:
    inbox.append_fill(sync_client(), fill("4", size="5"))
    persist_state(NOW)
    assert MmState.objects.get().inventory == 65


def test_without_hot_state_nothing_is_invented() -> None:
    apply_batch(entries(fill("1")), NOW)
    assert (persist_state(NOW), MmState.objects.count()) == (0, 0)


def test_the_command_writes_the_second_of_the_stop(traded: None) -> None:
    call_command("persist_state")
    call_command("persist_state")
    assert MmState.objects.count() >= 1
