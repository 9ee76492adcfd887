"""Whatever happens: money is conserved, the published book never crosses, deltas are gap-free and complete."""

from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trading.sandbox.types import BookDelta, FeeMode, Order, Reject

from .conftest import INSTRUMENT, SYMBOL, Desk

PRICE = st.integers(9990, 10010).map(lambda ticks: D(ticks) / 100)
SIZE = st.integers(10, 120).map(lambda lots: D(lots) / 10)
LEVEL = st.tuples(PRICE, st.one_of(st.just(D(0)), SIZE))
LEVELS = st.lists(LEVEL, max_size=4)
SIDE = st.sampled_from(["buy", "sell"])
ACCOUNT = st.sampled_from(["desk", "other"])
STEP = st.one_of(
    st.tuples(st.just("place"), SIDE, PRICE, SIZE, st.sampled_from(["limit", "post_only", "ioc"]), ACCOUNT),
    st.tuples(st.just("amend"), st.integers(0, 30), ACCOUNT, PRICE, SIZE),
    st.tuples(st.just("cancel"), st.integers(0, 30), ACCOUNT),
    st.tuples(st.just("depth"), LEVELS, LEVELS, st.booleans()),
    st.tuples(st.just("top"), PRICE, SIZE, PRICE, SIZE),
    st.tuples(st.just("trade"), SIDE, PRICE, SIZE),
    st.tuples(st.just("deposit"), ACCOUNT, st.sampled_from(["DCT", "USDT"]), st.integers(-50, 50)),
    st.tuples(st.just("wait"), st.integers(1, 2_000_000_000)),
    st.tuples(st.just("restart")),
)


class Watcher:
    """Rebuilds the published book from deltas alone and checks it after every one of them."""

    def __init__(self) -> None:
        self.seq = 0
        self.sides: dict[str, dict[D, D]] = {"bids": {}, "asks": {}}

    def __call__(self, event: object) -> None:
        if not isinstance(event, BookDelta):
            return
        assert event.prev_seq == self.seq
        assert event.seq == self.seq + 1
        self.seq = event.seq
        for side, changes in (("bids", event.bids), ("asks", event.asks)):
            for price, size in changes:
                assert size != self.sides[side].get(price, D(0))
                if size:
                    self.sides[side][price] = size
                else:
                    del self.sides[side][price]
        bids, asks = self.sides["bids"], self.sides["asks"]
        assert not bids or not asks or max(bids) < min(asks)


def act(desk: Desk, step: tuple) -> None:
    kind, *rest = step
    if kind == "amend":
        order = nth_open(desk, rest[1], rest[0])
        if order:
            desk.x.amend(rest[1], SYMBOL, order_id=order.order_id, new_price=rest[2], new_size=rest[3], now_ns=desk.now)
    elif kind == "cancel":
        order = nth_open(desk, rest[1], rest[0])
        if order:
            desk.x.cancel(rest[1], SYMBOL, order_id=order.order_id, now_ns=desk.now)
    elif kind == "top":
        if rest[0] < rest[2]:
            desk.top(*rest)
    elif kind == "deposit":
        desk.x.deposit(rest[0], rest[1], D(rest[2]), desk.now)
    elif kind == "wait":
        desk.now += rest[0]
    else:
        getattr(desk, kind)(*rest)


def nth_open(desk: Desk, account: str, number: int) -> Order | None:
    orders = desk.x.open_orders(account)
    return orders[number % len(orders)] if orders else None


def check(desk: Desk, watcher: Watcher) -> None:
    booked = {"DCT": D(0), "USDT": D(0)}
    for account in ("desk", "other"):
        for transfer in desk.x.transfers(account, limit=10**6):
            booked[transfer.asset] += transfer.amount
        orders = desk.x.open_orders(account)
        for balance in desk.x.balances(account):
            assert 0 <= balance.held <= balance.total
            assert balance.held == sum((hold(desk, order, balance.asset) for order in orders), D(0))
    assert {asset: desk.x.asset_totals()[asset] for asset in booked} == booked
    book = desk.book()
    assert (dict(book.bids), dict(book.asks)) == (watcher.sides["bids"], watcher.sides["asks"])
    assert [p for p, _ in book.bids] == sorted((p for p, _ in book.bids), reverse=True)
    assert [p for p, _ in book.asks] == sorted(p for p, _ in book.asks)


def hold(desk: Desk, order: Order, asset: str) -> D:
    if order.side.value == "sell":
        return order.remaining if asset == "DCT" else D(0)
    fee = D("1.002") if desk.instrument.fee_mode is FeeMode.QUOTE else D(1)
    return order.remaining * order.price * fee if asset == "USDT" else D(0)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.sampled_from(FeeMode), st.lists(STEP, min_size=5, max_size=60))
def test_invariants(fee_mode, steps):
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db", replace(INSTRUMENT, fee_mode=fee_mode))
        desk.fund("desk", base="60", quote="6000")
        desk.fund("other", base="60", quote="6000")
        watcher = Watcher()
        desk.x.subscribe(watcher)
        for step in steps:
            if step[0] == "restart":
                desk.reopen()
                watcher = Watcher()
                watcher.seq = desk.book().seq
                watcher.sides = {"bids": dict(desk.book().bids), "asks": dict(desk.book().asks)}
                desk.x.subscribe(watcher)
                continue
            before = desk.everything()
            try:
                act(desk, step)
            except Reject:
                assert desk.everything() == before
            check(desk, watcher)
        desk.x.close()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40)), min_size=1, max_size=12), st.integers(1, 50))
def test_prints_fill_at_most_what_lies_beyond_the_queue(flow, ahead):
    """Prints and the depth that states them, in either order: we get what printed beyond the queue, never more."""
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / "ledger.db", INSTRUMENT)
        desk.fund("desk", base="0.1", quote="1000000")
        desk.depth(bids=[(100, ahead), (99, 1)], asks=[(101, 1)])
        order = desk.place("buy", 100, 500)
        level, printed = ahead, 0
        for print_first, size in flow:
            level = max(0, level - size)
            printed += size
            if print_first:
                desk.trade("sell", 100, size)
                desk.depth(bids=[(100, level)])
            else:
                desk.depth(bids=[(100, level)])
                desk.trade("sell", 100, size)
            assert desk.order(order).filled == max(0, min(500, printed - ahead))
        desk.x.close()
