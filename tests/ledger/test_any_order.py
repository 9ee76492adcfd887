"""Any mixture of duplicates, reordering, late fees and batches books what the same fills book when they come once, in order."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.desk import NOW, D, entries, fill
from tests.ledger.property import examples
from trading.hot_state.values import RawFill
from trading.ledger.services import apply_batch
from trading.models import CashBalance, CashMovement, Event, Fill, Position

COUNT = 4
fills = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 10_000).map(lambda tenths: D(tenths).scaleb(-1)),
        st.integers(200_000, 400_000).map(lambda millionths: D(millionths).scaleb(-6)),
        st.sampled_from([("0.001", "usdt"), ("0.03", "dct"), ("-0.002", "usdt"), ("0", "usdt")]),
    ),
    min_size=1,
    max_size=COUNT,
)
# What arrives: which fill (modulo their number), with or without its fee; and where the batches are cut.
arrivals = st.lists(st.tuples(st.integers(0, COUNT - 1), st.booleans()), max_size=12)
cuts = st.sets(st.integers(0, 15), max_size=3)


class Undo(Exception):
    """Takes the example back."""


def raw(number: int, drawn: tuple[str, object, object, tuple[str, str]], with_fee: bool = True) -> RawFill:
    side, size, price, (fee, asset) = drawn
    return fill(
        str(number),
        side,
        str(price),
        str(size),
        fee=D(fee) if with_fee else None,
        fee_asset=asset if with_fee else None,
    )


def booked() -> tuple[object, ...]:
    row = Position.objects.get()
    balances = dict(CashBalance.objects.values_list("asset_id", "amount"))
    told = Event.objects.filter(type="fill.booked").count()
    total = row.realised - row.cost_basis
    kinds = sorted(CashMovement.objects.values_list("kind", "asset_id", "key", "amount"))
    return row.q, row.cash_flow, total, row.fees, row.volume, row.fills, balances, kinds, told, Fill.objects.count()


def result(batches: list[list[RawFill]]) -> tuple[object, ...]:
    found: list[tuple[object, ...]] = []
    with pytest.raises(Undo), transaction.atomic():
        for batch in batches:
            apply_batch(entries(*batch), NOW)
        found.append(booked())
        raise Undo
    return found[0]


@pytest.mark.django_db
@examples(20)
@given(fills, arrivals, cuts, st.randoms(use_true_random=False))
def test_exactly_once_in_any_order(desk: None, drawn: list, came: list, cut: set[int], random: object) -> None:
    once = [raw(number, each) for number, each in enumerate(drawn)]
    messy = [raw(number % len(drawn), drawn[number % len(drawn)], has_fee) for number, has_fee in came]
    messy += once  # the history brings each with its fee, sooner or later
    random.shuffle(messy)
    batches: list[list[RawFill]] = [[]]
    for index, each in enumerate(messy):
        batches[-1].append(each)
        if index in cut:
            batches.append([])
    assert result(batches) == result([once])
