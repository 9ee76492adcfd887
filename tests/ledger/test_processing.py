"""From the inbox to the acknowledgement, with real commits: repeated steps, two at once, lost Redis, failing database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest
from django.db import OperationalError, connection

from tests.ledger.desk import NOW, NOW_NS, D, fill, transfer, view
from tests.support.plugin import DATABASE_NAME
from tests.support.servers import wait_until
from trading.clock import FakeClock
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.values import CursorMove, HotPosition
from trading.ledger import processing
from trading.ledger.consumer import LedgerConsumer
from trading.ledger.hot_positions import ensure_rows, publish_positions
from trading.ledger.processing import process_batch
from trading.ledger.services import apply_batch
from trading.models import Event, Fill, FillQuarantine, Lock, Position, TradingControl, VenueCursor

SLUG = "dct-usdt-dex"
pytestmark = pytest.mark.usefixtures("committed_desk")


class Died(Exception):
    """The process ended here."""


def read(consumer: str = "one") -> list[inbox.InboxEntry]:
    inbox.ensure_group(sync_client())
    return inbox.read_batch(sync_client(), consumer, block_ms=1)


def hot_q() -> Decimal | None:
    return inbox.hot_inventory_sync(SLUG).q


def booked() -> tuple[Decimal, int]:
    return Position.objects.get(market__slug=SLUG).q, Fill.objects.count()


def publish_nothing_yet() -> None:
    inbox.commit_position(sync_client(), HotPosition(SLUG, 0, *(D(0),) * 5, 0), ())


def test_hot_inventory_counts_a_fill_once_at_every_step() -> None:
    client = sync_client()
    publish_nothing_yet()
    assert hot_q() == 0
    inbox.append_fill(client, fill("1"))
    inbox.append_fill(client, fill("1", source="poll"))
    inbox.append_fill(client, fill("2", "sell", size="30"))
    assert (hot_q(), inbox.inbox_length(client)) == (70, 3)
    process_batch(client, read(), NOW)
    assert (hot_q(), inbox.read_pending_sync(SLUG), inbox.inbox_length(client)) == (70, {}, 0)
    inbox.append_fill(client, fill("1", source="webhook"))
    assert hot_q() == 70
    assert inbox.read_position_sync(SLUG) == HotPosition(
        SLUG, 2, D(70), D("17.5"), D("-0.02"), D("-17.52"), D("0.02"), 2
    )


def test_dying_between_commit_and_acknowledgement_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = sync_client()
    publish_nothing_yet()
    inbox.append_fill(client, fill("1"))

    def die(*_: object) -> None:
        raise Died

    for step in ("publish", "inbox.ack"):
        with monkeypatch.context() as patch:
            patch.setattr(f"trading.ledger.processing.{step}", die)
            with pytest.raises(Died):
                process_batch(client, read() or inbox.read_unacknowledged(client, "one"), NOW)
        assert (booked(), hot_q()) == ((D(100), 1), D(100))
    assert inbox.inbox_length(client) == 1
    left = inbox.read_unacknowledged(client, "one")
    process_batch(client, left, NOW)
    assert (booked(), hot_q(), inbox.inbox_length(client)) == ((D(100), 1), D(100), 0)


def test_an_older_position_never_replaces_a_newer_one() -> None:
    client = sync_client()
    publish_nothing_yet()
    inbox.append_fill(client, fill("1"))
    first = apply_batch(read(), NOW)
    inbox.append_fill(client, fill("2"))
    second = apply_batch(read(), NOW)
    processing.publish(client, second)
    processing.publish(client, first)
    assert (hot_q(), inbox.read_pending_sync(SLUG)) == (200, {})


def test_two_consumers_at_once_count_every_fill_once() -> None:
    client = sync_client()
    inbox.ensure_group(client)
    for number in range(120):
        # Each is in the inbox twice, so that both consumers meet every fill.
        for source in ("stream", "poll"):
            side = "buy" if number % 3 else "sell"
            inbox.append_fill(client, fill(str(number), side, size="10", source=source))
    inbox.append_transfer(client, transfer())
    inbox.append_transfer(client, transfer())
    start = threading.Barrier(2)

    def consume(name: str) -> None:
        start.wait(10)
        try:
            while entries := inbox.read_batch(client, name, count=7, block_ms=1):
                process_batch(client, entries, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(consume, name) for name in ("one", "two")]:
            done.result(60)
    held = Position.objects.get(market__slug=SLUG)
    # 80 buys and 40 sells of 10; cash: -400 * 0.25 - 120 * 0.01
    assert (held.q, held.fills, held.cash_flow, held.ledger_seq) == (400, 120, D("-101.2"), 120)
    assert (Fill.objects.count(), Event.objects.filter(type="fill.booked").count()) == (120, 120)
    assert (inbox.inbox_length(client), hot_q()) == (0, 400)


def test_a_database_error_late_in_the_batch_rolls_back_everything(servers) -> None:
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    inbox.append_fill(client, fill("1", price="0.3"))
    inbox.append_transfer(client, transfer())
    inbox.append_cursor_move(client, CursorMove("dex-desk", "fills", "9"))
    entries = read()
    owner = servers.database_url(DATABASE_NAME, "dcmm_owner")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    with psycopg.connect(owner, connect_timeout=5) as other:
        # The outbox is written last: everything else of the batch has been written when this makes it fail.
        other.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OperationalError):
            process_batch(client, entries, NOW)
    counts = (
        Fill.objects.count(),
        Position.objects.count(),
        FillQuarantine.objects.count(),
        VenueCursor.objects.count(),
    )
    assert (counts, inbox.inbox_length(client), len(inbox.read_pending_sync(SLUG))) == ((0, 0, 0, 0), 4, 1)
    process_batch(client, entries, NOW)
    assert (booked(), VenueCursor.objects.get().cursor, inbox.inbox_length(client)) == ((D(100), 1), "9", 0)


def test_a_contradiction_imposes_reducing_and_a_crash_before_the_lock_does_not_lose_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    TradingControl.objects.create(scope=SLUG, state="ACTIVE", reason="", actor_id="", actor_name="", changed_at=NOW)
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    inbox.append_fill(client, fill("1", size="101"))

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("trading.ledger.processing.impose_reducing", die)
        with pytest.raises(Died):
            process_batch(client, read(), NOW)
    assert Lock.objects.count() == 0
    process_batch(client, inbox.read_unacknowledged(client, "one"), NOW)
    lock = Lock.objects.get()
    assert (lock.scope, lock.state, lock.rule) == (SLUG, "REDUCING", "fill_conflict")
    assert (client.xlen(keys.DEAD_LETTERS), inbox.inbox_length(client), booked()) == (1, 0, (D(100), 1))


def test_without_a_control_the_contradiction_still_holds_nobody_up() -> None:
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    inbox.append_fill(client, fill("1", size="101"))
    process_batch(client, read(), NOW)
    assert (FillQuarantine.objects.count(), inbox.inbox_length(client)) == (1, 0)


def test_an_entry_that_breaks_the_batch_is_found_and_set_aside() -> None:
    client = sync_client()
    for number in range(3):
        inbox.append_fill(client, fill(str(number)))
    # Each fill by itself fits the columns; the volume of both large ones together does not.
    for number in range(3, 6):
        inbox.append_fill(client, fill(str(number), price="1", size="9e14", fee=D(0)))
    huge = fill("huge", price="1000", size="9.9e14", fee=D(0))
    inbox.append_fill(client, huge)
    inbox.append_fill(client, fill("again", price="1000", size="9.9e14", fee=D(0)))
    process_batch(client, read(), NOW)
    assert (Fill.objects.count(), inbox.inbox_length(client), client.xlen(keys.DEAD_LETTERS)) == (7, 0, 1)
    assert FillQuarantine.objects.get().reason == "refused"


def test_garbage_in_the_stream_goes_to_the_dead_letters() -> None:
    client = sync_client()
    client.xadd(keys.INBOX_STREAM, {"anything": "x"})
    client.xadd(keys.INBOX_STREAM, {"k": "fill", "b": '{"price": "abc"}'})
    inbox.append_fill(client, fill("1"))
    process_batch(client, read(), NOW)
    assert (booked(), client.xlen(keys.DEAD_LETTERS), inbox.inbox_length(client)) == ((D(100), 1), 2, 0)


def run_consumer(stop: threading.Event, clock: FakeClock) -> threading.Thread:
    def work() -> None:
        try:
            LedgerConsumer(clock, stop).run()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_process_survives_a_flushed_redis_and_refills_from_history() -> None:
    client, stop, clock = sync_client(), threading.Event(), FakeClock(NOW_NS)
    inbox.append_fill(client, fill("1"))
    thread = run_consumer(stop, clock)
    try:
        # Booked, not just pending: what was lost before that is the history's to bring.
        wait_until(lambda: Fill.objects.count() == 1 and hot_q() == 100, 20, "the first fill")
        client.flushdb()
        wait_until(lambda: client.llen(keys.poll_request("dex-desk")) > 0, 20, "a history poll is asked for")
        wait_until(lambda: hot_q() == 100, 20, "the position is back")
        # What the history poll brings: the old fill once more, and the one whose entry was lost.
        inbox.append_fill(client, fill("1", source="poll"))
        inbox.append_fill(client, fill("2", source="poll"))
        wait_until(lambda: inbox.inbox_length(client) == 0, 20, "the inbox is empty")
    finally:
        stop.set()
        thread.join(10)
    assert (booked(), hot_q(), thread.is_alive()) == ((D(200), 2), D(200), False)


def test_a_restart_takes_up_what_its_predecessor_left_and_counts_it_once() -> None:
    client, stop, clock = sync_client(), threading.Event(), FakeClock(NOW_NS)
    inbox.append_fill(client, fill("committed"))
    inbox.append_fill(client, fill("given"))
    inbox.ensure_group(client)
    given = inbox.read_batch(client, "ledger", block_ms=1)
    apply_batch(given[:1], NOW)  # the predecessor died right after this commit
    thread = run_consumer(stop, clock)
    try:
        wait_until(lambda: inbox.inbox_length(client) == 0, 20, "the inbox is empty")
    finally:
        stop.set()
        thread.join(10)
    assert (booked(), hot_q(), inbox.read_pending_sync(SLUG)) == ((D(200), 2), D(200), {})
    assert client.exists(keys.heartbeat("ledger"))


def test_a_waiting_deposit_enters_the_position_when_a_price_appears() -> None:
    client, stop, clock = sync_client(), threading.Event(), FakeClock(NOW_NS)
    inbox.append_transfer(client, transfer(asset="dct", amount="500"))
    thread = run_consumer(stop, clock)
    try:
        wait_until(lambda: inbox.inbox_length(client) == 0, 20, "the inbox is empty")
        assert hot_q() == 0
        client.set(keys.market_view(SLUG), encode(view(SLUG, "0.25")))
        clock.advance(2)
        wait_until(lambda: hot_q() == 500, 20, "the deposit is in the position")
    finally:
        stop.set()
        thread.join(10)


def controls_active() -> None:
    for scope in ("desk", SLUG):
        TradingControl.objects.create(
            scope=scope, state="ACTIVE", reason="", actor_id="", actor_name="", changed_at=NOW
        )


def test_a_fill_that_the_ledger_cannot_hold_is_set_aside_and_no_longer_pending() -> None:
    """The sum leaves the columns: nobody can book it, so it must not stay in the hot inventory, and people must look."""
    client = sync_client()
    controls_active()
    process_batch(client, [], NOW)
    inbox.append_fill(client, fill("0"))
    process_batch(client, read(), NOW)
    Position.objects.update(q=D(10) ** 18)
    inbox.append_fill(client, fill("1", size="1000"))
    inbox.append_fill(client, fill("2", "sell", size="30"))
    process_batch(client, read(), NOW)
    assert inbox.read_pending_sync(SLUG) == {}
    assert (hot_q(), inbox.inbox_length(client)) == (D(10) ** 18 - 30, 0)
    row = FillQuarantine.objects.get()
    assert (row.reason, row.trade_key, row.account) == ("refused", "dex|dex-desk|DCT/USDT|1|o1", "dex-desk")
    lock = Lock.objects.get()
    assert (lock.scope, lock.rule, lock.state) == (SLUG, "fill_conflict", "REDUCING")


@pytest.mark.parametrize(
    "edited", [b'{"ledger_seq": 1e9}', None, b'{"ledger_seq": "abc"}', b"[", b'{"ledger_seq": null}']
)
def test_a_published_position_ahead_of_the_ledger_is_replaced_and_told(edited: bytes | None) -> None:
    """An edited Redis, or one of the two stores restored: PostgreSQL is the truth."""
    client = sync_client()
    inbox.append_fill(client, fill("1"))
    process_batch(client, read(), NOW)
    ahead = HotPosition(SLUG, 10**9, *(D(0),) * 5, 0)
    client.set(keys.position(SLUG), encode(ahead) if edited is None else edited)
    client.zadd(keys.applied_fills(SLUG), {fill("2").key: 10**9})
    publish_positions(client, ensure_rows(NOW), NOW)
    assert hot_q() == 100
    told = Event.objects.filter(type="position.restored")
    is_ahead = edited is None or b"1e9" in edited
    assert [event.payload["published"] for event in told] == (["1000000000"] if is_ahead else [])
    assert bool(client.llen(keys.poll_request("dex-desk"))) is is_ahead
    if is_ahead:
        # What was applied beyond the restored ledger counts as pending again.
        inbox.append_fill(client, fill("2"))
        assert hot_q() == 200
    publish_positions(client, ensure_rows(NOW), NOW)
    assert Event.objects.filter(type="position.restored").count() == is_ahead


def test_a_position_key_of_another_type_is_replaced() -> None:
    client = sync_client()
    client.hset(keys.position(SLUG), "a", "b")
    publish_positions(client, ensure_rows(NOW), NOW)
    assert hot_q() == 0
