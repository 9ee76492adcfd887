"""Fills and funding of a perpetual in the ledger: what moves, what does not, and everything once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.desk import NOW, NOW_NS, D, entries, fill, transfer
from tests.ledger.property import examples
from trading.hot_state.values import CursorMove, RawFill, RawFunding
from trading.ledger.services import BatchOutcome, apply_batch
from trading.models import (
    Asset,
    CashBalance,
    CashMovement,
    Event,
    Fill,
    FillQuarantine,
    Market,
    Position,
    VenueAccount,
    VenueCursor,
)

SLUG, SYMBOL = "eth-usdt-perp", "ETH-USDT-SWAP"


@pytest.fixture
def perpetual(desk: None) -> None:
    """A perpetual on the exchange account, beside its spot market."""
    Asset.objects.create(id="eth", name="eth", decimals=18)
    Market.objects.create(
        slug=SLUG, account=VenueAccount.objects.get(slug="cex-desk"), base_id="eth", quote_id="usdt",
        venue_symbol=SYMBOL, lot_size=D("0.1"), instrument="linear_perpetual", contract_value=D("0.1"),
    )  # fmt: skip


def traded(trade_id: str, side: str, size: str, price: str, settled: str | None, **changes: Any) -> RawFill:
    identity = {"market": SLUG, "venue": "cex", "account": "cex-desk", "symbol": SYMBOL}
    told = None if settled is None else D(settled)
    return fill(trade_id, side, price, size, **({"realised_pnl": told, "fee": D("0.02")} | identity | changes))


def paid(payment_id: str, amount: str, **changes: Any) -> RawFunding:
    values: dict[str, Any] = {
        "market": SLUG,
        "venue": "cex",
        "account": "cex-desk",
        "symbol": SYMBOL,
        "payment_id": payment_id,
        "asset": "usdt",
        "amount": D(amount),
        "mark_price": D("2400.5"),
        "venue_ns": NOW_NS,
        "source": "poll",
        "received_ns": NOW_NS,
    }
    return RawFunding(**(values | changes))


def book(*values: Any) -> BatchOutcome:
    return apply_batch(entries(*values), NOW)


def balances() -> dict[str, D]:
    return dict(CashBalance.objects.filter(account__slug="cex-desk").values_list("asset_id", "amount"))


@pytest.mark.django_db
def test_no_base_and_no_notional_moves(perpetual: None) -> None:
    book(traded("1", "buy", "0.5", "2400", "0"), traded("2", "sell", "0.2", "2450", "10"))
    position = Position.objects.get()
    assert (position.q, position.realised, position.cost_basis, position.cash_flow, position.fees) == (
        D("0.3"), D("9.96"), 720, D("-710.04"), D("0.04"),
    )  # fmt: skip
    assert balances() == {"usdt": D("9.96")}
    moves = CashMovement.objects.order_by("key", "kind").values_list("kind", "asset_id", "key", "amount")
    assert list(moves) == [
        ("fee", "usdt", "ETH-USDT-SWAP|1|o1", D("-0.02")),
        ("fee", "usdt", "ETH-USDT-SWAP|2|o1", D("-0.02")),
        ("settlement", "usdt", "ETH-USDT-SWAP|2|o1", D(10)),
    ]
    assert list(Fill.objects.order_by("trade_id").values_list("realised_pnl", flat=True)) == [0, 10]
    told = Event.objects.filter(type="fill.booked").order_by("pk").last()
    assert (told.payload["realised_pnl"], told.payload["position"]) == ("10", "0.3")


@pytest.mark.django_db
def test_funding_is_booked_once_and_moves_its_cursor_with_it(perpetual: None) -> None:
    move = CursorMove("cex-desk", "funding", "7")
    outcome = book(traded("1", "sell", "1", "2400", "0", fee=D(0)), paid("7", "0.36"), paid("7", "0.36"), move)
    assert outcome.counts == {"booked": 1, "funding_booked": 1, "duplicate": 1, "cursor_moved": 1}
    assert book(paid("7", "0.36", source="reconcile")).counts == {"duplicate": 1}
    position = Position.objects.get()
    assert (position.funding, position.realised, position.cash_flow, position.q) == (
        D("0.36"),
        D("0.36"),
        D("2400.36"),
        -1,
    )
    assert (balances(), outcome.positions[0].funding) == ({"usdt": D("0.36")}, D("0.36"))
    assert VenueCursor.objects.get(channel="funding").cursor == "7"
    event = Event.objects.get(type="funding.booked")
    assert (event.aggregate, event.payload["payment_id"], event.payload["amount"]) == (f"market:{SLUG}", "7", "0.36")


@pytest.mark.django_db
def test_another_amount_under_the_same_identity_is_a_contradiction(perpetual: None) -> None:
    book(paid("7", "0.36"))
    outcome = book(paid("7", "0.37"))
    (contradiction,) = outcome.contradictions
    assert (contradiction.scope, FillQuarantine.objects.get().reason) == (SLUG, "funding_conflict")
    assert Position.objects.get().funding == D("0.36")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"asset": "gram"}, "unknown_funding_asset"),
        ({"market": "gram-usdt-cex", "symbol": "GRAM-USDT"}, "unknown_market"),
        ({"market": "venue:XYZ", "symbol": "XYZ"}, "unknown_market"),
        ({"payment_id": ""}, "no_payment_id"),
        ({"payment_id": "7\x00"}, "payment_id_unreadable"),
        ({"payment_id": "7" * 200}, "payment_id_too_long"),
        ({"venue_ns": 5}, "bad_time"),
        ({"amount": D("NaN")}, "out_of_range"),
        ({"amount": D("1e40")}, "out_of_range"),
    ],
)
def test_funding_that_is_none_is_set_aside(perpetual: None, changes: dict[str, Any], reason: str) -> None:
    assert book(replace(paid("7", "0.36"), **changes)).counts == {"quarantined": 1}
    assert FillQuarantine.objects.get().reason == reason
    assert not CashMovement.objects.exists()


@pytest.mark.django_db
def test_a_fill_that_does_not_say_what_was_settled_waits_for_one_that_does(perpetual: None) -> None:
    assert book(traded("1", "buy", "0.5", "2400", None)).counts == {"quarantined": 1}
    assert (FillQuarantine.objects.get().reason, Fill.objects.count()) == ("no_realised_pnl", 0)
    assert book(traded("1", "buy", "0.5", "2400", "0")).counts == {"booked": 1}
    outcome = book(traded("1", "buy", "0.5", "2400", "3"))
    assert (outcome.contradictions[0].scope, Position.objects.get().realised) == (SLUG, D("-0.02"))


@pytest.mark.django_db
def test_a_deposit_of_the_base_is_no_position(perpetual: None) -> None:
    book(transfer("d1", "eth", "3", venue="cex", account="cex-desk"))
    assert not Position.objects.filter(q__gt=0).exists()
    assert balances() == {"eth": 3}


class Undo(Exception):
    """Takes the example back."""


drawn_fills = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 3_000).map(lambda lots: D(lots).scaleb(-3)),
        st.integers(200_000, 300_000).map(lambda cents: D(cents).scaleb(-2)),
        st.integers(-(10**9), 10**9).map(lambda number: D(number).scaleb(-8)),
    ),
    min_size=1,
    max_size=4,
)
drawn_funding = st.lists(st.integers(-(10**8), 10**8).map(lambda number: D(number).scaleb(-8)), max_size=3)


def state_after(batches: list[list[Any]]) -> tuple[Any, ...]:
    found: list[tuple[Any, ...]] = []
    with pytest.raises(Undo), transaction.atomic():
        for batch in batches:
            book(*batch)
        row = Position.objects.get()
        cash = balances()["usdt"]
        assert row.realised == cash == sum(CashMovement.objects.values_list("amount", flat=True))
        assert row.realised - row.cost_basis == row.cash_flow
        kinds = sorted(CashMovement.objects.values_list("kind", "key", "amount"))
        found.append((row.q, row.realised, row.cost_basis, row.cash_flow, row.fees, row.funding, cash, kinds))
        raise Undo
    return found[0]


@pytest.mark.django_db
@examples(20)
@given(drawn_fills, drawn_funding, st.lists(st.integers(0, 20), max_size=8), st.randoms(use_true_random=False))
def test_once_in_any_order(perpetual: None, drawn: list, payments: list, again: list[int], random: Any) -> None:
    once: list[Any] = [
        traded(str(number), side, str(size), str(price), str(settled))
        for number, (side, size, price, settled) in enumerate(drawn)
    ]
    once += [paid(str(number), str(amount)) for number, amount in enumerate(payments)]
    messy = once + [once[number % len(once)] for number in again]
    random.shuffle(messy)
    half = len(messy) // 2
    assert state_after([messy[:half], messy[half:]]) == state_after([once])
