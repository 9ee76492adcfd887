"""Perpetuals in the ledger file: whatever happens and whenever the process dies, the books agree with their histories."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal as D
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading.sandbox.exchange import Exchange, StoreError
from trading.sandbox.types import RecordDepth, Reject

from .conftest import INSTRUMENT, PERPETUAL, Desk

SYMBOL = "ETH/USDT:USDT"
ACCOUNTS = ("desk", "other")
S = 1_000_000_000
ROOT = Path(__file__).resolve().parents[3]

# Trades, turns its position and lets fundings come as fast as it can; what the parent has read was answered.
VICTIM = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from decimal import Decimal as D
from tests.sandbox.engine.conftest import Desk, PERPETUAL
desk = Desk(Path(sys.argv[2]), PERPETUAL)
for account in ("desk", "other"):
    desk.x.deposit(account, "USDT", D(10_000), desk.now)
desk.depth(bids=[("1999.00", 1)], asks=[("2001.00", 1)])
out = os.fdopen(1, "w", buffering=1)
def tell(event):
    if type(event).__name__ in ("Fill", "Funding") and event.account == "desk":
        out.write(f"{type(event).__name__} {event.seq}\\n")
desk.x.subscribe(tell)
for n in range(100000):
    side = "buy" if n % 5 < 3 else "sell"
    desk.place(side, 2000, 2, cid=f"v{n}")
    desk.place("sell" if side == "buy" else "buy", 2000, 1, account="other", cid=f"o{n}")
    desk.trade("sell" if side == "buy" else "buy", 2000, 1)
    desk.now += 20_000_000_000
    desk.x.advance(desk.now)
"""


def assert_whole(x: Exchange) -> None:
    """Wallets, positions and totals follow from the booked transfers, fills and fundings alone."""
    booked = D(0)
    for account in ACCOUNTS:
        transfers = [t.amount for t in x.transfers(account, limit=10**6)]
        fills = x.fills(account, limit=10**6)
        fundings = x.funding(account, limit=10**6)
        booked += sum(transfers)
        settled = sum((f.realised_pnl - f.fee for f in fills), D(0)) + sum((f.amount for f in fundings), D(0))
        (wallet,) = x.balances(account)
        assert wallet.total == sum(transfers) + settled
        positions = x.positions(account)
        size = sum((f.size if f.side.value == "buy" else -f.size for f in fills), D(0))
        assert sum((p.size for p in positions), D(0)) == size
        assert sum((p.realised_pnl for p in positions), D(0)) == sum((f.realised_pnl for f in fills), D(0))
        assert len({f.funding_ns for f in fundings}) == len(fundings)
    assert x.asset_totals() == {"USDT": booked}


def margin_by_hand(x: Exchange, account: str) -> Fraction:
    """Section 13's margin rule, exactly, from what the account can read."""
    size, entry = Fraction(0), Fraction(0)
    for found in x.positions(account):
        size, entry = Fraction(found.size), Fraction(found.entry_price or 0)
    sides = {"buy": [Fraction(0), Fraction(0)], "sell": [Fraction(0), Fraction(0)]}
    for order in x.open_orders(account):
        sides[order.side.value][0] += Fraction(order.remaining)
        sides[order.side.value][1] += Fraction(order.remaining) * Fraction(order.price) / 10
    opening = Fraction(0)
    for side, (whole, notional) in sides.items():
        closing = max(Fraction(0), -size if side == "buy" else size)
        if whole > closing:
            opening = max(opening, Fraction("0.2005") * notional * (whole - closing) / whole)
    exact = Fraction("0.2") * abs(size) * entry / 10 + opening
    return Fraction(-(-exact * 10**8 // 1), 10**8)


PRICE = st.integers(199_900, 200_100).map(lambda ticks: D(ticks) / 100)
SIZE = st.integers(1, 20_000).map(lambda lots: D(lots) / 100)
SIDE, ACCOUNT = st.sampled_from(["buy", "sell"]), st.sampled_from(ACCOUNTS)
STEP = st.one_of(
    st.tuples(st.just("place"), SIDE, PRICE, SIZE, st.sampled_from(["limit", "post_only", "ioc"]), ACCOUNT),
    st.tuples(st.just("amend"), st.integers(0, 30), ACCOUNT, PRICE, SIZE),
    st.tuples(st.just("cancel"), st.integers(0, 30), ACCOUNT),
    st.tuples(st.just("trade"), SIDE, PRICE, SIZE),
    st.tuples(st.just("top"), PRICE, SIZE, PRICE, SIZE),
    st.tuples(st.just("rate"), st.integers(-500, 500)),
    st.tuples(st.just("wait"), st.integers(1, 150)),
    st.tuples(st.just("transfer"), ACCOUNT, st.integers(-3_000, 3_000)),
    st.tuples(st.just("restart")),
)


def change(desk: Desk, kind: str, number: int, account: str, *terms: D) -> None:
    """Amend or cancel one of the account's open orders, if it has any."""
    orders = desk.x.open_orders(account)
    if orders and kind == "cancel":
        desk.x.cancel(account, SYMBOL, order_id=orders[number % len(orders)].order_id, now_ns=desk.now)
    elif orders:
        order_id, (price, size) = orders[number % len(orders)].order_id, terms
        desk.x.amend(account, SYMBOL, order_id=order_id, new_price=price, new_size=size, now_ns=desk.now)


def act(desk: Desk, kind: str, *rest: object) -> None:
    if kind in ("amend", "cancel"):
        change(desk, kind, *rest)
    elif kind == "top":
        if rest[0] < rest[2]:
            desk.top(*rest)
    elif kind == "rate":
        desk.x.set_funding_rate(SYMBOL, D(rest[0]) / 10**6, desk.now)
    elif kind == "wait":
        desk.now += rest[0] * S
        desk.x.advance(desk.now)
    elif kind == "transfer":
        if rest[1]:
            desk.x.deposit(rest[0], "USDT", D(rest[1]), desk.now)
    elif kind == "restart":
        desk.reopen()
    else:
        getattr(desk, kind)(*rest)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.lists(STEP, min_size=10, max_size=60))
def test_money_is_conserved_and_margin_is_the_rules_over_any_fills_and_fundings(steps):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db", PERPETUAL)
        for account in ACCOUNTS:
            desk.x.deposit(account, "USDT", D(6_000), desk.now)
        desk.depth(bids=[("1999.50", 30)], asks=[("2000.50", 30)])
        for step in steps:
            with suppress(Reject):
                act(desk, *step)
            assert_whole(desk.x)
            for account in ACCOUNTS:
                (wallet,) = desk.x.balances(account)
                assert wallet.held == wallet.margin == margin_by_hand(desk.x, account)
        desk.x.close()


def test_kill_9_leaves_positions_wallets_and_fundings_that_agree(tmp_path):
    path = tmp_path / "ledger.db"
    command = [sys.executable, "-c", VICTIM, str(ROOT), str(path)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert victim.stdout is not None
    told = [victim.stdout.readline() for _ in range(500)]
    os.kill(victim.pid, signal.SIGKILL)
    told += victim.stdout.readlines()
    victim.wait(10)
    told = [tuple(line.split()) for line in told if line.endswith("\n")]
    x = Exchange({SYMBOL: PERPETUAL}, path, S)
    kept = {("Fill", str(f.seq)) for f in x.fills("desk", limit=10**6)}
    kept |= {("Funding", str(f.seq)) for f in x.funding("desk", limit=10**6)}
    assert {kind for kind, _ in told} == {"Fill", "Funding"}
    assert set(told) <= kept
    assert_whole(x)
    for account in ACCOUNTS:
        assert x.balances(account)[0].held == margin_by_hand(x, account)
    before = x.funding("desk", limit=10**6)
    x.close()
    x = Exchange({SYMBOL: PERPETUAL}, path, before[-1].ts_ns)  # no funding time is booked a second time
    x.apply_record(SYMBOL, RecordDepth(0, ((D(1999), D(1)),), ((D(2001), D(1)),)), before[-1].ts_ns)
    assert x.funding("desk", limit=10**6) == before
    x.close()


def test_open_positions_of_a_delisted_perpetual_are_refused(perp):
    perp.place("buy", "2000.00", 1)
    perp.trade("sell", "2000.00", 1)
    perp.x.close()
    with pytest.raises(StoreError, match="positions in ETH/USDT:USDT"):
        Exchange({"DCT/USDT": INSTRUMENT}, perp.path, perp.now)
    perp.open()
    assert perp.x.positions("desk")[0].size == D(1)


def test_a_ledger_from_before_perpetuals_is_taken_over(desk):
    desk.place("buy", 100, 5)
    desk.trade("sell", 100, 2)
    exported = desk.x.export("desk")
    desk.x.close()
    database = sqlite3.connect(desk.path)
    database.executescript(
        "ALTER TABLE fills DROP COLUMN realised_pnl; DROP TABLE positions; DROP TABLE funding; PRAGMA user_version=1"
    )
    database.close()
    desk.open()
    assert desk.x.export("desk") == exported
    desk.trade("sell", 100, 2)
    assert len(desk.x.fills("desk")) == 2
    desk.reopen()
    assert len(desk.x.fills("desk")) == 2
