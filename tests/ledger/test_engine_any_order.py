"""Whatever becomes of orders at the venue and in whatever order its fills are told, the ledger is the venue's own account.

The engine's orders are placed, amended, cancelled and filled in parts; its fills reach the ledger doubled, late, swapped, with
their fee or without it first. Judged by the engine's balances, to the last decimal.
"""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.desk import NOW, NOW_NS, entries
from tests.ledger.desk import fill as raw_fill
from tests.ledger.property import examples
from trading.hot_state.values import RawFill
from trading.ledger.services import apply_batch
from trading.models import CashBalance, CashMovement, Fill, Position
from trading.sandbox.catalogue import DCT_USDT
from trading.sandbox.exchange import Exchange
from trading.sandbox.types import Fill as VenueFill
from trading.sandbox.types import OrderType, PlaceOrder, RecordTop, RecordTrade, Reject, Side

ACCOUNT, SYMBOL = "desk", "DCT/USDT"
MARKS = (Decimal("0.1234567"), Decimal("0.27"), Decimal("3.1"))
EVENTS = (
    "buy",
    "sell",
    "amend",
    "shrink",
    "cancel",
    "fill_buys",
    "fill_sells",
    "part_of_buys",
    "part_of_sells",
    "take",
)


class Undo(Exception):
    """Takes the example back."""


class Account:
    """Orders at the engine."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.engine = Exchange({SYMBOL: DCT_USDT.instrument}, folder / "engine.sqlite3", NOW_NS)
        self.dice, self.number = dice, 0
        for asset in ("DCT", "USDT"):
            self.engine.deposit(ACCOUNT, asset, Decimal(10**6), NOW_NS)
        top = RecordTop(0, Decimal("0.26"), Decimal(10**6), Decimal("0.28"), Decimal(10**6))
        self.engine.apply_record(SYMBOL, top, NOW_NS)

    def happen(self, event: str) -> None:
        try:
            getattr(self, event)()
        except Reject:
            return  # an order that is done, or would trade at once: the venue's answer, and nothing changed

    def _place(self, side: Side, kind: OrderType, price: Decimal) -> None:
        self.number += 1
        size = Decimal(self.dice.randint(10, 9999)) / 10
        self.engine.place(ACCOUNT, PlaceOrder(SYMBOL, side, kind, price, size, f"m1b0e1c{self.number}"), NOW_NS)

    def buy(self) -> None:
        self._place(Side.BUY, OrderType.POST_ONLY, Decimal(self.dice.randint(261_000, 269_999)) / 10**6)

    def sell(self) -> None:
        self._place(Side.SELL, OrderType.POST_ONLY, Decimal(self.dice.randint(270_001, 279_000)) / 10**6)

    def take(self) -> None:
        side = self.dice.choice(list(Side))
        self._place(side, OrderType.IOC, Decimal("0.29") if side is Side.BUY else Decimal("0.25"))

    def _change(self, **changes: Decimal) -> None:
        resting = self.engine.open_orders(ACCOUNT)
        if resting:
            name = self.dice.choice(resting).client_order_id
            self.engine.amend(ACCOUNT, SYMBOL, client_order_id=name, now_ns=NOW_NS, **changes)

    def amend(self) -> None:
        self._change(new_size=Decimal(self.dice.randint(500, 9999)))

    def shrink(self) -> None:
        self._change(new_size=Decimal(self.dice.randint(10, 60)))

    def cancel(self) -> None:
        resting = self.engine.open_orders(ACCOUNT)
        if resting:
            name = self.dice.choice(resting).client_order_id
            self.engine.cancel(ACCOUNT, SYMBOL, client_order_id=name, now_ns=NOW_NS)

    def _trade(self, taker: Side, price: str, size: int) -> None:
        self.engine.apply_record(SYMBOL, RecordTrade(0, taker, Decimal(price), Decimal(size)), NOW_NS)

    def fill_buys(self) -> None:
        self._trade(Side.SELL, "0.2605", 5000)

    def fill_sells(self) -> None:
        self._trade(Side.BUY, "0.2795", 5000)

    def part_of_buys(self) -> None:
        self._trade(Side.SELL, "0.2605", self.dice.randint(1, 40))

    def part_of_sells(self) -> None:
        self._trade(Side.BUY, "0.2795", self.dice.randint(1, 40))

    def gained(self, asset: str) -> Decimal:
        return next(one.total for one in self.engine.balances(ACCOUNT) if one.asset == asset) - Decimal(10**6)


def told(fill: VenueFill, with_fee: bool) -> RawFill:
    return raw_fill(
        fill.trade_id, fill.side.value, str(fill.price), str(fill.size), order_id=fill.order_id,
        client_order_id=fill.client_order_id, fee=fill.fee if with_fee else None,
        fee_asset=fill.fee_asset.lower() if with_fee else None, maker=fill.liquidity == "maker",
    )  # fmt: skip


def messy(fills: list[VenueFill], dice: random.Random) -> list[RawFill]:
    """Everything with its fee once, in any order; before, between and after it repetitions with and without."""
    again = [told(dice.choice(fills), dice.random() < 0.5) for _ in range(len(fills))] if fills else []
    everything = [*again, *(told(one, True) for one in fills)]
    dice.shuffle(everything)
    return everything


@pytest.mark.django_db
@examples(25)
@given(events=st.lists(st.sampled_from(EVENTS), min_size=6, max_size=30), seed=st.integers(0, 10**6))
def test_the_ledger_is_the_venues_account_to_the_last_decimal(
    desk: None, tmp_path_factory: pytest.TempPathFactory, events: list[str], seed: int
) -> None:
    dice = random.Random(seed)
    account = Account(tmp_path_factory.mktemp("engine"), dice)
    for event in ("buy", "sell", *events):
        account.happen(event)
    fills = account.engine.fills(ACCOUNT, limit=10_000)
    came = messy(fills, dice)
    with pytest.raises(Undo), transaction.atomic():
        while came:
            size = dice.randint(1, 6)
            apply_batch(entries(*came[:size]), NOW)
            came = came[size:]
            _invariant()
        if fills:
            row = Position.objects.get()
            assert (row.q, row.cash_flow, row.fills) == (account.gained("DCT"), account.gained("USDT"), len(fills))
            assert Fill.objects.filter(fee__isnull=True).count() == 0
            moved = dict(CashBalance.objects.values_list("asset_id", "amount"))
            assert moved.get("usdt", 0) == account.gained("USDT")
            assert sum(CashMovement.objects.filter(asset_id="usdt").values_list("amount", flat=True)) == moved["usdt"]
        raise Undo
    account.engine.close()


def _invariant() -> None:
    """realised + unrealised = cash flow + q * mark, at any mark, whatever has arrived so far."""
    for row in Position.objects.all():
        for mark in MARKS:
            assert row.realised + (row.q * mark - row.cost_basis) == row.cash_flow + row.q * mark
