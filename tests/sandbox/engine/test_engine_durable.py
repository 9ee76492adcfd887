"""The ledger file: restart, kill -9, exclusive use, a failing commit."""

import os
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal as D
from pathlib import Path

import pytest

from trading.sandbox.exchange import Exchange, ExchangeHalted, StoreError
from trading.sandbox.types import BookDelta, OrderStatus

from .conftest import INSTRUMENT, SYMBOL

S = 1_000_000_000
ROOT = Path(__file__).resolve().parents[3]

# Trades as fast as it can and writes each answer to a pipe: what the parent has read was answered.
VICTIM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from decimal import Decimal as D
from tests.sandbox.engine.conftest import Desk, INSTRUMENT
desk = Desk(Path(sys.argv[2]), INSTRUMENT)
desk.fund("desk"); desk.fund("other")
out = os.fdopen(1, "w", buffering=1)
def tell(event):
    if type(event).__name__ == "Fill":
        out.write(f"fill {event.seq} {event.size}\\n")
desk.x.subscribe(tell)
for n in range(100000):
    order = desk.place("buy", 100, 5, cid=f"v{n}")
    out.write(f"placed {order.order_id} v{n}\\n")
    desk.place("sell", 100, 2, account="other", cid=f"o{n}")
    desk.trade("sell", 100, 1)
    if n % 3 == 0:
        desk.x.cancel("desk", "DCT/USDT", order_id=order.order_id, now_ns=desk.now)
        out.write(f"cancelled {order.order_id} v{n}\\n")
        desk.x.deposit("desk", "USDT", D(500), desk.now, f"d{n}")
        out.write(f"deposit d{n} 500\\n")
"""


def test_restart_restores_orders_priority_balances_timers_and_numbers(desk):
    first = desk.place("buy", 100, 5)
    second = desk.place("buy", 100, 5, account="other")
    desk.place("buy", 99, 5)
    desk.x.amend("desk", SYMBOL, order_id=first.order_id, new_size=D(6), now_ns=desk.now)  # now behind second
    desk.trade("sell", 100, 2)
    desk.x.cancel_after("other", 30, desk.now)
    exported, book = desk.x.export("desk"), desk.book()
    desk.reopen()
    assert desk.x.export("desk") == exported
    assert (desk.book().bids, desk.book().seq) == (book.bids, book.seq)
    desk.events.clear()
    desk.trade("sell", 100, 4)
    assert (desk.order(second).filled, desk.order(first).filled) == (D(5), D(1))
    delta = next(e for e in desk.events if isinstance(e, BookDelta))
    assert delta.prev_seq == book.seq
    third = desk.place("buy", 98, 5)
    assert int(third.order_id) == 4
    desk.x.advance(desk.now + 30 * S)
    assert desk.order(third).status is OrderStatus.OPEN


def test_timer_due_while_the_venue_was_down_fires_at_opening(desk):
    order = desk.place("buy", 100, 5)
    desk.x.cancel_after("desk", 30, desk.now)
    desk.x.close()
    desk.now += 60 * S
    desk.open()
    assert desk.order(order).cancel_reason == "cancel_after"


def test_restored_orders_are_behind_what_their_level_then_shows(desk):
    order = desk.place("buy", 100, 5)
    empty = desk.place("buy", "99.50", 5)
    desk.reopen()
    desk.depth(bids=[(100, 7)], asks=[(101, 5)], snapshot=True)
    desk.depth(bids=[("99.50", 7)])  # joined after the snapshot: behind us
    desk.trade("sell", 100, 8)
    assert desk.order(order).filled == D(1)
    desk.trade("sell", "99.50", 9)
    assert (desk.order(order).filled, desk.order(empty).filled) == (D(5), D(5))


def test_kill_9_loses_nothing_answered_and_leaves_no_half_order(tmp_path):
    path = tmp_path / "ledger.db"
    command = [sys.executable, "-c", VICTIM, str(ROOT), str(path)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert victim.stdout is not None
    told = [victim.stdout.readline() for _ in range(600)]
    os.kill(victim.pid, signal.SIGKILL)
    told += victim.stdout.readlines()  # what was in the pipe was answered, too
    victim.wait(10)
    told = [line.split() for line in told if line.endswith("\n")]
    x = Exchange({SYMBOL: INSTRUMENT}, path, S)
    fills = {fill.seq: fill for account in ("desk", "other") for fill in x.fills(account, limit=10**6)}
    booked = {transfer.transfer_id for transfer in x.transfers("desk", limit=10**6)}
    for kind, number, detail in told:
        if kind == "fill":
            assert fills[int(number)].size == D(detail)
        elif kind == "deposit":
            assert number in booked
        else:
            order = x.order("desk", order_id=number)
            assert order is not None
            assert order.client_order_id == detail
            assert kind == "placed" or order.status is OrderStatus.CANCELLED or order.filled == order.size
    assert_whole(x, fills.values())
    x.close()


def assert_whole(x, fills):
    """Orders agree with their fills, totals with the transfers, holds with the open orders."""
    for account in ("desk", "other"):
        for order in x.order_history(account, limit=10**6):
            assert order.filled == sum((f.size for f in fills if f.order_id == order.order_id), D(0))
    transfers = [t for a in ("desk", "other") for t in x.transfers(a, limit=10**6)]
    for asset, total in x.asset_totals().items():
        assert total == sum((t.amount for t in transfers if t.asset == asset), D(0))
    held = sum((o.remaining * o.price * D("1.002") for o in x.open_orders("desk")), D(0))
    assert next(b.held for b in x.balances("desk") if b.asset == "USDT") == held


def test_numbers_never_repeat_after_a_kill(tmp_path, make_desk):
    desk = make_desk("copy.db")
    desk.fund()
    desk.depth(bids=[(99, 1)], asks=[(101, 1)])
    desk.trade("buy", 101, 1)
    published, seq = desk.x.recent_trades(SYMBOL)[-1].trade_id, desk.book().seq
    left = tmp_path / "left.db"  # what a kill leaves: the file without the farewell of close()
    desk.x._core.store._db.close()
    left.write_bytes((tmp_path / "copy.db").read_bytes())
    desk.path = left
    desk.open()
    assert desk.book().seq > seq
    desk.trade("buy", 101, 1)
    assert int(desk.x.recent_trades(SYMBOL)[-1].trade_id) > int(published)
    desk.x.close()


def test_a_second_venue_on_the_same_ledger_is_refused(desk, monkeypatch):
    monkeypatch.setattr("trading.sandbox.store.BUSY_TIMEOUT_S", 0.05)
    with pytest.raises(StoreError, match="locked"):
        Exchange({SYMBOL: INSTRUMENT}, desk.path, desk.now)


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(StoreError, match="cannot open"):
        Exchange({SYMBOL: INSTRUMENT}, path, 0)


def test_a_ledger_of_another_version_is_refused(tmp_path):
    path = tmp_path / "ledger.db"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreError, match="version 99"):
        Exchange({SYMBOL: INSTRUMENT}, path, 0)


def test_open_orders_of_a_delisted_symbol_are_refused(desk):
    desk.place("buy", 100, 5)
    desk.x.close()
    with pytest.raises(StoreError, match="DCT/USDT"):
        Exchange({}, desk.path, desk.now)
    desk.open()


def test_a_failing_commit_halts_the_exchange_and_tells_nobody(desk):
    order = desk.place("buy", 100, 5)
    desk.events.clear()
    desk.x._core.store._db.execute("PRAGMA query_only=ON")  # the disk refuses
    with pytest.raises(sqlite3.Error):
        desk.place("buy", 100, 5, cid="lost")
    assert desk.events == []
    with pytest.raises(ExchangeHalted):
        desk.x.cancel("desk", SYMBOL, order_id=order.order_id, now_ns=desk.now)
    desk.x.close()
    desk.open()
    assert [o.client_order_id for o in desk.x.open_orders("desk")] == [order.client_order_id]


def test_a_closed_exchange_takes_nothing(desk):
    order = desk.place("buy", 100, 5)
    desk.x.close()
    desk.x.close()
    for act in (
        lambda: desk.x.cancel_all("desk", None, desk.now),
        lambda: desk.depth(bids=[(99, 1)]),
        lambda: desk.x.deposit("desk", "USDT", D(1), desk.now),
    ):
        with pytest.raises(ExchangeHalted):
            act()
    desk.open()
    assert desk.x.open_orders("desk") == [order]


def test_a_listener_that_fails_does_not_stop_the_venue(desk):
    def broken(event):
        raise RuntimeError("listener")

    unsubscribe = desk.x.subscribe(broken)
    assert desk.place("buy", 100, 5).status is OrderStatus.OPEN
    unsubscribe()
    unsubscribe()
