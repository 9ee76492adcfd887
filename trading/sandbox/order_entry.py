"""What accounts ask of the exchange: place, amend, cancel, timers, transfers.

Refusals are raised before anything changes. Self-trade prevention: an order (or amendment) that would trade with an
order of its own account anywhere within what it would execute is refused whole (SELF_TRADE).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from trading.sandbox.account_ledger import HOUSE_PREFIX, ZERO
from trading.sandbox.book import Execution, Resting
from trading.sandbox.core import Core
from trading.sandbox.types import (
    Instrument,
    Order,
    OrderStatus,
    OrderType,
    PlaceOrder,
    Reject,
    RejectCode,
    Transfer,
)

CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
ORDER_ID = re.compile(r"[0-9]{1,18}")
AMOUNT_LIMIT = Decimal(10) ** 15  # with 12 decimals still exact in 28 digits
MAX_TIMEOUT_S = 86_400.0
TRANSFER_STEP = Decimal("1E-12")


def check_account(account: str) -> None:
    if not account or account.startswith(HOUSE_PREFIX):
        raise Reject(RejectCode.BAD_REQUEST, f"{account!r} is not a customer's account")


def check_deadline(deadline_ns: int | None, now_ns: int) -> None:
    if deadline_ns is not None and deadline_ns < now_ns:
        late_ms = (now_ns - deadline_ns) // 1_000_000
        raise Reject(
            RejectCode.DEADLINE_PASSED,
            f"the request's deadline passed {late_ms} ms ago",
        )


def check_price(core: Core, instrument: Instrument, price: Decimal) -> None:
    """A multiple of the tick, inside the band around the last mid (no band while there is no mid)."""
    if not price.is_finite() or not ZERO < price < AMOUNT_LIMIT or price % instrument.tick:
        raise Reject(
            RejectCode.BAD_PRICE_TICK,
            f"price must be a positive multiple of {instrument.tick}",
        )
    mid = core.books[instrument.symbol].mid()
    if mid is not None and abs(price - mid) > instrument.price_band * mid:
        band = instrument.price_band * 100
        raise Reject(
            RejectCode.OUTSIDE_PRICE_BAND,
            f"price is further than {band:f} % from the mid",
        )


def check_size(instrument: Instrument, price: Decimal, size: Decimal) -> None:
    if not size.is_finite() or not ZERO < size < AMOUNT_LIMIT or size % instrument.lot_step:
        raise Reject(
            RejectCode.BAD_SIZE_STEP,
            f"size must be a positive multiple of {instrument.lot_step}",
        )
    if size < instrument.min_size:
        raise Reject(
            RejectCode.BELOW_MINIMUM,
            f"size must be at least {instrument.min_size} {'contracts' if instrument.is_perpetual else instrument.base}",
        )
    if instrument.notional(price, size) < instrument.min_notional:
        minimum = f"{instrument.min_notional} {instrument.quote}"
        raise Reject(RejectCode.BELOW_MINIMUM, f"price × size must be at least {minimum}")


def check_executions(plan: Iterable[Execution], order_type: OrderType, account: str) -> None:
    for execution in plan:
        if order_type is OrderType.POST_ONLY:
            raise Reject(RejectCode.POST_ONLY_WOULD_TAKE, "a post-only order would trade at once")
        if execution.resting is not None and execution.resting.order.account == account:
            raise Reject(
                RejectCode.SELF_TRADE,
                "the order would trade with an order of the same account",
            )


def check_balance(core: Core, account: str, wanted: tuple[str, Decimal], released: Decimal = ZERO) -> None:
    asset, amount = wanted
    free = core.ledger.free(account, asset) + released
    if amount > free:
        raise Reject(
            RejectCode.INSUFFICIENT_BALANCE,
            f"needs {amount:f} {asset}, free is {free:f}",
        )


def check_affordable(core: Core, before: Order | None, after: Order) -> None:
    """The account has the balance (a perpetual: the margin) that the order, new or amended, needs more than before.

    What lowers the margin in use or leaves it passes even when losses made the free balance negative.
    """
    instrument = core.instruments[after.symbol]
    if not instrument.is_perpetual:
        released = ZERO if before is None else core.hold_for(before)[1]
        check_balance(core, after.account, core.hold_for(after), released)
        return
    rise, free = core.perpetuals.margin_rise(after, instrument), core.ledger.free(after.account, instrument.quote)
    if rise > max(free, ZERO):
        raise Reject(
            RejectCode.INSUFFICIENT_MARGIN,
            f"needs {rise:f} {instrument.quote} more margin, free is {free:f}",
        )


def place(core: Core, account: str, wanted: PlaceOrder, now_ns: int) -> Order:
    check_account(account)
    instrument = core.instrument(wanted.symbol)
    check_deadline(wanted.deadline_ns, now_ns)
    if not CLIENT_ORDER_ID.fullmatch(wanted.client_order_id):
        raise Reject(
            RejectCode.BAD_CLIENT_ORDER_ID,
            "client order id must be 1 to 36 of letters, digits, '_' and '-'",
        )
    if core.store.order(account, None, wanted.client_order_id) is not None:
        raise Reject(
            RejectCode.DUPLICATE_CLIENT_ORDER_ID,
            f"{wanted.client_order_id!r} was used before",
        )
    check_price(core, instrument, wanted.price)
    check_size(instrument, wanted.price, wanted.size)
    opposite = core.books[wanted.symbol].opposite(wanted.side)
    plan = opposite.plan_taker(wanted.price, wanted.size)
    check_executions(plan, wanted.type, account)
    order = _new_order(account, wanted, now_ns)
    check_affordable(core, None, order)
    core.begin()
    order = replace(order, order_id=core.next_order_id())
    core.rehold(None, order)
    resting = Resting(order, ZERO, core.next_priority())
    _execute(core, instrument, resting, plan, now_ns)
    core.commit(now_ns, wanted.symbol)
    return resting.order


def _new_order(account: str, wanted: PlaceOrder, now_ns: int) -> Order:
    """The order before it has a number."""
    return Order(
        order_id="",
        client_order_id=wanted.client_order_id,
        account=account,
        symbol=wanted.symbol,
        side=wanted.side,
        type=wanted.type,
        price=wanted.price,
        size=wanted.size,
        filled=ZERO,
        avg_price=None,
        status=OrderStatus.OPEN,
        created_ns=now_ns,
        updated_ns=now_ns,
    )


def _execute(
    core: Core,
    instrument: Instrument,
    taker: Resting,
    plan: list[Execution],
    now_ns: int,
) -> None:
    """Trade the plan, then rest what remains (IOC: cancel it). The taker's hold is booked already."""
    opposite = core.books[instrument.symbol].opposite(taker.order.side)
    for execution in plan:
        core.fill_resting(instrument, opposite, execution, taker, now_ns)
    if taker.order.remaining > 0 and taker.order.type is OrderType.IOC:
        before = taker.order
        taker.order = replace(before, status=OrderStatus.CANCELLED, cancel_reason="ioc")
        core.rehold(before, taker.order)
    elif taker.order.remaining > 0:
        core.enter_book(taker)
    core.record_order(taker)


def find_open(
    core: Core,
    account: str,
    symbol: str,
    order_id: str | None,
    client_order_id: str | None,
) -> Resting:
    """The open order meant; the order id counts when both are given."""
    core.instrument(symbol)
    by_client_id = core.open_by_client_id.get((account, client_order_id or ""))
    resting = by_client_id if order_id is None else core.open.get(order_id)
    if resting is not None and resting.order.account == account and resting.order.symbol == symbol:
        return resting
    done = find_order(core, account, order_id, client_order_id)
    if done is None or done.symbol != symbol:
        raise Reject(RejectCode.UNKNOWN_ORDER, "no such order")
    raise Reject(RejectCode.ORDER_ALREADY_DONE, f"the order is {done.status.value}")


def find_order(core: Core, account: str, order_id: str | None, client_order_id: str | None) -> Order | None:
    if order_id is None and client_order_id is None:
        raise Reject(RejectCode.BAD_REQUEST, "an order id or a client order id is needed")
    if order_id is not None and not ORDER_ID.fullmatch(order_id):
        return None
    if order_id is None and not CLIENT_ORDER_ID.fullmatch(client_order_id or ""):
        return None
    return core.store.order(account, order_id, client_order_id)


def _amended(core: Core, old: Order, new_price: Decimal | None, new_size: Decimal | None, now_ns: int) -> Order:
    """The order with its new terms, checked as far as they can be without the book's other side."""
    price = old.price if new_price is None else new_price
    size = old.size if new_size is None else new_size
    instrument = core.instruments[old.symbol]
    if not price.is_finite() or price != old.price:
        check_price(core, instrument, price)
    check_size(instrument, price, size)
    if (price, size) == (old.price, old.size):
        raise Reject(RejectCode.NOTHING_TO_AMEND, "neither price nor size changes")
    if size <= old.filled:
        raise Reject(RejectCode.BAD_REQUEST, f"the new size must exceed the filled {old.filled:f}")
    return replace(old, price=price, size=size, updated_ns=now_ns)


def amend(core: Core, resting: Resting, new_price: Decimal | None, new_size: Decimal | None, now_ns: int) -> Order:
    """Change price or total size. A smaller size at the same price keeps its place; all else queues anew."""
    old = resting.order
    changed = _amended(core, old, new_price, new_size, now_ns)
    keeps_place = changed.price == old.price and changed.size < old.size
    plan: list[Execution] = []
    if not keeps_place:
        plan = core.books[old.symbol].opposite(old.side).plan_taker(changed.price, changed.remaining)
        check_executions(plan, old.type, old.account)
    check_affordable(core, old, changed)
    core.begin()
    core.rehold(old, changed)
    if keeps_place:
        resting.order = changed
        core.books[old.symbol].side(old.side).touched.add(changed.price)
        core.record_order(resting)
    else:
        core.leave_book(resting)
        resting.order, resting.priority = changed, core.next_priority()
        _execute(core, core.instruments[old.symbol], resting, plan, now_ns)
    core.commit(now_ns, old.symbol)
    return resting.order


def cancel_many(core: Core, orders: list[Resting], reason: str, now_ns: int) -> list[Order]:
    if not orders:
        return []
    core.begin()
    cancelled = [core.cancel_resting(resting, reason, now_ns) for resting in orders]
    core.commit(now_ns)
    return cancelled


def cancel_after(core: Core, account: str, timeout_s: float | None, now_ns: int) -> int | None:
    check_account(account)
    if timeout_s is not None and not 0 <= timeout_s <= MAX_TIMEOUT_S:
        raise Reject(RejectCode.BAD_REQUEST, f"timeout must be 0 to {MAX_TIMEOUT_S:.0f} s")
    core.begin()
    trigger = now_ns + round(timeout_s * 1e9) if timeout_s else None
    if trigger is None:
        core.timers.pop(account, None)
    else:
        core.timers[account] = trigger
    core.store.put_timer(account, trigger)
    core.commit(now_ns)
    return trigger


def fire_timers(core: Core, now_ns: int) -> None:
    """Cancel everything of the accounts whose timer is due, and disarm it, in one commit each."""
    for account in [account for account, due in core.timers.items() if due <= now_ns]:
        core.begin()
        for resting in [r for r in core.open.values() if r.order.account == account]:
            core.cancel_resting(resting, "cancel_after", now_ns)
        del core.timers[account]
        core.store.put_timer(account, None)
        core.commit(now_ns)


def deposit(
    core: Core,
    account: str,
    asset: str,
    amount: Decimal,
    now_ns: int,
    transfer_id: str | None,
) -> Transfer:
    check_account(account)
    if not asset or not amount.is_finite() or not ZERO < abs(amount) < AMOUNT_LIMIT or amount % TRANSFER_STEP:
        raise Reject(
            RejectCode.BAD_REQUEST,
            "a transfer needs an asset and an amount of at most 12 decimals",
        )
    if transfer_id is not None:
        booked = core.store.transfer(transfer_id)
        if booked is not None and (booked.account, booked.asset, booked.amount) == (
            account,
            asset,
            amount,
        ):
            return booked
        if booked is not None:
            raise Reject(
                RejectCode.BAD_REQUEST,
                f"transfer {transfer_id!r} was booked with other contents",
            )
    if amount < 0:
        check_balance(core, account, (asset, -amount))
    core.begin()
    seq = core.next_transfer_seq()
    transfer = Transfer(transfer_id or f"transfer-{seq}", account, asset, amount, now_ns, seq)
    core.ledger.credit(account, asset, amount)
    core.store.add_transfer(transfer)
    core.commit(now_ns)
    return transfer
