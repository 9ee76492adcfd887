"""The single path: what a batch books, and that nothing is counted twice, lost, or half done."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from tests.ledger.desk import NOW, NOW_NS, D, entries, entry, fill, transfer, view
from trading import metrics
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.inbox import InboxEntry
from trading.hot_state.keys import market_view
from trading.hot_state.values import CursorMove
from trading.ledger.services import apply_batch
from trading.ledger.valuation import value_waiting
from trading.models import (
    CashBalance,
    CashMovement,
    Event,
    Fill,
    FillQuarantine,
    Market,
    Order,
    OutboxEntry,
    Position,
    VenueCursor,
)

pytestmark = pytest.mark.django_db


def position(slug: str = "dct-usdt-dex") -> Position:
    return Position.objects.get(market__slug=slug)


def balance(asset: str, account: str = "dex-desk") -> Decimal:
    return CashBalance.objects.get(account__slug=account, asset_id=asset).amount


def give_reference(slug: str, price: str, published_ns: int = NOW_NS) -> None:
    sync_client().set(market_view(slug), encode(view(slug, price, published_ns)))


def test_one_fill_books_fill_position_cash_and_event(desk: None) -> None:
    give_reference("dct-usdt-dex", "0.251")
    Order.objects.create(
        client_order_id="m1b0e1c1", market=Market.objects.get(slug="dct-usdt-dex"), side="buy", epoch=1, price=D("0.25"),
        size=D(100), status="LIVE", parameter_version=7, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    outcome = apply_batch(entries(fill()), NOW)
    row = Fill.objects.get()
    assert (row.price, row.size, row.fee, row.fee_rate, row.ledger_seq) == (D("0.25"), D(100), D("0.01"), D(1), 1)
    assert (row.mid_at_fill, row.parameter_version) == (D("0.251"), 7)
    held = position()
    assert (held.q, held.cost_basis, held.realised, held.cash_flow) == (D(100), D(25), D("-0.01"), D("-25.01"))
    assert (held.fees, held.bought, held.sold, held.volume, held.fills, held.ledger_seq) == (
        D("0.01"),
        100,
        0,
        25,
        1,
        1,
    )
    assert (balance("dct"), balance("usdt")) == (D(100), D("-25.01"))
    moves = CashMovement.objects.order_by("id").values_list("kind", "asset_id", "amount")
    assert list(moves) == [("fill", "dct", 100), ("fill", "usdt", -25), ("fee", "usdt", D("-0.01"))]
    event = Event.objects.get()
    assert (event.type, event.aggregate, event.payload["position"]) == ("fill.booked", "market:dct-usdt-dex", "100")
    assert OutboxEntry.objects.count() == 1
    assert outcome.counts == {"booked": 1}
    assert outcome.positions[0].q == 100


def test_duplicates_within_and_between_batches_count_once(desk: None) -> None:
    apply_batch(entries(fill("1"), fill("1", source="poll"), fill("2")), NOW)
    outcome = apply_batch(entries(fill("2", source="webhook"), fill("1")), NOW)
    assert outcome.counts == {"duplicate": 2}
    assert (position().q, Fill.objects.count(), Event.objects.count(), position().ledger_seq) == (200, 2, 2, 2)


def test_the_same_trade_id_of_another_order_is_another_fill(desk: None) -> None:
    apply_batch(entries(fill("1"), fill("1", order_id="o2")), NOW)
    assert position().q == 200


def test_the_order_of_arrival_changes_neither_quantity_nor_cash(desk: None) -> None:
    fills = [fill("1"), fill("2", "sell", "0.26", "40"), fill("3", "buy", "0.27", "5"), fill("4", "sell", "0.2", "80")]
    apply_batch(entries(*reversed(fills)), NOW)
    held = position()
    # 100 - 40 + 5 - 80; -25 + 10.4 - 1.35 + 16 - 4 * 0.01
    assert (held.q, held.cash_flow, held.realised - held.cost_basis) == (D(-15), D("0.01"), D("0.01"))


def test_a_missing_fee_is_pending_and_added_once(desk: None) -> None:
    apply_batch(entries(fill(fee=None, fee_asset=None)), NOW)
    assert (Fill.objects.get().fee, position().realised) == (None, 0)
    first = apply_batch(entries(fill()), NOW)
    again = apply_batch(entries(fill(), fill(fee=None, fee_asset=None)), NOW)
    assert (first.counts, again.counts) == ({"fee_added": 1}, {"duplicate": 2})
    assert (Fill.objects.get().fee, position().realised, position().fills) == (D("0.01"), D("-0.01"), 1)
    assert balance("usdt") == D("-25.01")
    assert list(Event.objects.order_by("id").values_list("type", flat=True)) == ["fill.booked", "fill.fee_booked"]


def test_a_fee_in_the_same_batch_as_its_fill(desk: None) -> None:
    apply_batch(entries(fill(fee=None), fill()), NOW)
    assert (Fill.objects.get().fee, balance("usdt"), position().fees) == (D("0.01"), D("-25.01"), D("0.01"))


def test_a_base_fee_reduces_the_position(desk: None) -> None:
    apply_batch(entries(fill(fee=D("0.5"), fee_asset="dct")), NOW)
    held = position()
    assert (held.q, held.cost_basis, held.cash_flow) == (D("99.5"), D("24.875"), D(-25))
    assert (held.realised, held.fees, balance("dct"), balance("usdt")) == (D("-0.125"), D("0.125"), D("99.5"), D(-25))


def test_a_fee_in_a_third_asset_takes_the_rate_of_the_moment(desk: None) -> None:
    give_reference("gram-usdt-cex", "2")
    apply_batch(entries(fill(fee=D("0.05"), fee_asset="gram")), NOW)
    row = Fill.objects.get()
    assert (row.fee, row.fee_asset, row.fee_rate, position().fees) == (D("0.05"), "gram", D(2), D("0.1"))
    assert balance("gram") == D("-0.05")


def test_a_fee_without_a_rate_waits_for_it_and_is_not_lost(desk: None) -> None:
    paid_in_gram = fill(fee=D("0.05"), fee_asset="gram")
    apply_batch(entries(paid_in_gram), NOW)
    assert (Fill.objects.get().fee, position().fees, balance("gram")) == (None, 0, D("-0.05"))
    assert apply_batch(entries(paid_in_gram), NOW).counts == {"duplicate": 1}
    assert value_waiting(NOW) == ()
    give_reference("gram-usdt-cex", "2")
    published = value_waiting(NOW)
    assert [(p.slug, p.fees) for p in published] == [("dct-usdt-dex", D("0.1"))]
    assert (Fill.objects.get().fee, Fill.objects.get().fee_rate) == (D("0.05"), D(2))
    assert value_waiting(NOW) == ()
    assert (position().fees, balance("gram")) == (D("0.1"), D("-0.05"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"price": D("0.26")}, "price_conflict"), ({"size": D(99)}, "size_conflict"), ({"side": "sell"}, "side_conflict")],
)
def test_a_contradiction_is_set_aside_and_told_once(desk: None, changes: dict[str, object], reason: str) -> None:
    apply_batch(entries(fill()), NOW)
    wrong = fill(**changes)
    outcome = apply_batch(entries(wrong), NOW)
    apply_batch(entries(fill(**(changes | {"source": "poll"}))), NOW)
    assert (position().q, Fill.objects.count()) == (100, 1)
    quarantined = FillQuarantine.objects.get()
    assert (quarantined.reason, quarantined.body["trade_id"]) == (reason, "1")
    assert [c.scope for c in outcome.contradictions] == ["dct-usdt-dex"]
    assert Event.objects.filter(type="fill.quarantined").count() == 1


def test_a_resolved_contradiction_calls_for_no_lock_any_more(desk: None) -> None:
    apply_batch(entries(fill(), fill(price="0.3")), NOW)
    FillQuarantine.objects.update(resolved_at=NOW, resolution="the venue corrected it")
    assert apply_batch(entries(fill(price="0.3")), NOW).contradictions == ()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (fill(market="nowhere"), "unknown_market"),
        (fill(symbol="OTHER"), "unknown_market"),
        (fill(side="hold"), "bad_side"),
        (fill(price="0"), "not_positive"),
        (fill(size="-1"), "not_positive"),
        (fill(size="1e-30"), "not_positive"),
        (fill(size="NaN"), "out_of_range"),
        (fill(price="Infinity"), "out_of_range"),
        (fill(price="1e15", size="1e15"), "out_of_range"),
        (fill(fee=D("1e16")), "out_of_range"),
        (fill(fee_asset="doge"), "unknown_fee_asset"),
        (fill(trade_id=""), "no_trade_id"),
        (fill(trade_id="x" * 81), "trade_id_too_long"),
        (fill(trade_id="a\x00b"), "trade_id_unreadable"),
        (fill(venue_ns=1_767_225_600), "bad_time"),
        (transfer(asset="doge"), "unknown_asset"),
        (transfer(account="nobody"), "unknown_account"),
        (transfer(amount="NaN"), "out_of_range"),
        (transfer(amount="0"), "no_amount"),
    ],
)
def test_garbage_is_set_aside_and_holds_nobody_up(desk: None, wrong: object, reason: str) -> None:
    outcome = apply_batch([entry(fill("a")), entry(wrong), entry(fill("b"))], NOW)
    assert (position().q, FillQuarantine.objects.get().reason) == (200, reason)
    assert (outcome.counts, outcome.contradictions) == ({"booked": 2, "quarantined": 1}, ())


def test_an_unreadable_entry_is_set_aside(desk: None) -> None:
    apply_batch([InboxEntry("7-0", None, b"\xff\x00{", "not JSON"), entry(fill())], NOW)
    assert (FillQuarantine.objects.get().reason, position().q) == ("unreadable", 100)


def test_quote_deposits_touch_balances_only(desk: None) -> None:
    apply_batch(entries(transfer(amount="1000"), transfer(amount="1000"), transfer("t2", amount="-10")), NOW)
    assert (balance("usdt"), Position.objects.count()) == (990, 0)
    assert list(CashMovement.objects.order_by("id").values_list("kind", flat=True)) == ["deposit", "withdrawal"]


def test_a_deposit_in_kind_enters_the_position_at_the_reference_price(desk: None) -> None:
    give_reference("dct-usdt-dex", "0.25")
    apply_batch(entries(transfer(asset="dct", amount="200000")), NOW)
    held = position()
    assert (held.q, held.cost_basis, held.cash_flow, held.realised) == (200000, 50000, -50000, 0)
    assert (balance("dct"), held.fills, held.bought) == (200000, 0, 0)


def test_a_deposit_without_a_rate_waits_and_is_not_lost(desk: None) -> None:
    deposit = transfer(asset="dct", amount="200000")
    apply_batch(entries(deposit, CursorMove("dex-desk", "transfers", "5")), NOW)
    assert (balance("dct"), position().q, value_waiting(NOW)) == (200000, 0, ())
    assert apply_batch(entries(deposit), NOW).counts == {"duplicate": 1}
    give_reference("dct-usdt-dex", "0.25")
    assert [p.q for p in value_waiting(NOW)] == [200000]
    assert value_waiting(NOW) == ()
    held = position()
    assert (held.q, held.cost_basis, held.realised, balance("dct")) == (200000, 50000, 0, 200000)
    assert Event.objects.filter(type="movement.valued").count() == 1


def test_a_transfer_with_another_amount_contradicts(desk: None) -> None:
    give_reference("dct-usdt-dex", "0.25")
    outcome = apply_batch(entries(transfer(asset="dct", amount="5"), transfer(asset="dct", amount="6")), NOW)
    assert (FillQuarantine.objects.get().reason, balance("dct")) == ("transfer_conflict", 5)
    assert [c.scope for c in outcome.contradictions] == ["dct-usdt-dex"]


def test_the_cursor_moves_with_what_was_read_before_it(desk: None) -> None:
    moves = [
        CursorMove("dex-desk", "fills", "17"),
        CursorMove("nobody", "fills", "1"),
        CursorMove("dex-desk", "other", "1"),
    ]
    apply_batch(entries(fill(), *moves), NOW)
    apply_batch(entries(CursorMove("dex-desk", "fills", "18")), NOW)
    assert list(VenueCursor.objects.values_list("account__slug", "channel", "cursor")) == [("dex-desk", "fills", "18")]


def test_a_stale_or_late_reference_is_no_mark(desk: None) -> None:
    give_reference("dct-usdt-dex", "0.25", NOW_NS - 4_000_000_000)
    apply_batch(entries(fill("stale")), NOW)
    give_reference("dct-usdt-dex", "0.25", NOW_NS + 60_000_000_000)
    apply_batch(entries(fill("late")), NOW + timedelta(seconds=60))
    assert set(Fill.objects.values_list("mid_at_fill", flat=True)) == {None}


def test_an_error_in_the_middle_leaves_nothing(desk: None) -> None:
    apply_batch(entries(fill("0")), NOW)
    # Outbox entries come last: with no right to write them, everything before must be undone.
    batch = entries(fill("1"), transfer(), CursorMove("dex-desk", "fills", "9"), fill("0", price="0.3"))
    with pytest.raises(DatabaseError), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '1ms'")
        for _ in range(200):
            apply_batch(batch, NOW)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.05)")
    assert (position().q, Fill.objects.count(), FillQuarantine.objects.count()) == (100, 1, 0)
    assert (VenueCursor.objects.count(), CashMovement.objects.count(), Event.objects.count()) == (0, 3, 1)


@pytest.mark.django_db
def test_a_fill_of_an_order_never_sent_is_booked_and_alarmed(desk: None) -> None:
    """The money moved at the venue; what is odd is who sent the order."""
    counted = metrics.FILLS_OF_UNKNOWN_ORDERS.labels("dct-usdt-dex")
    market = Market.objects.get(slug="dct-usdt-dex")
    Order.objects.create(
        client_order_id="m1b0e1c7", market=market, side="buy", epoch=1, price=1, size=1, status="LIVE", parameter_version=3,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    before = counted._value.get()
    apply_batch(entries(fill("1", client_order_id="m1b0e1c7")), NOW)
    assert counted._value.get() == before
    for number, name in enumerate(("", "web-7", "m1b0e9c9")):
        apply_batch(entries(fill(f"9{number}", client_order_id=name, order_id=f"o9{number}")), NOW)
    assert counted._value.get() == before + 3
    assert Fill.objects.count() == 4 and Position.objects.get().q == 400
