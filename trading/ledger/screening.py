"""What an inbox entry must be like to be booked; anything else gets a coded reason and is set aside."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trading.hot_state.values import CursorMove, RawFill, RawFunding, RawTransfer
from trading.ledger.arithmetic import QUANTUM, OutOfRange, value
from trading.ledger.desk import Desk

# Between 2001 and 2096: a time outside is a wrong unit, not a time.
EARLIEST_NS, LATEST_NS = 1_000_000_000 * 10**9, 4_000_000_000 * 10**9
LARGEST_AMOUNT = Decimal(10) ** 15
# Column widths of trading.models.ledger; movement keys are prefixed later, hence shorter than their column.
_WIDTHS = {"trade_id": 80, "order_id": 80, "client_order_id": 40, "source": 16, "fee_asset": 32}
_KEY_WIDTH = 180
_CURSOR_WIDTH = 120
CHANNELS = ("fills", "transfers", "funding")


def _text_problem(texts: Iterable[tuple[str, str, int]]) -> str:
    for name, text, width in texts:
        if len(text) > width:
            return f"{name}_too_long"
        if "\x00" in text:
            return f"{name}_unreadable"
    return ""


def _amount_ok(amount: Decimal) -> bool:
    return amount.is_finite() and abs(amount) <= LARGEST_AMOUNT


def fill_problem(fill: RawFill, desk: Desk) -> str:
    """Coded reason for which `fill` cannot be booked; "" when it can."""
    texts = [(name, getattr(fill, name) or "", width) for name, width in _WIDTHS.items()]
    if problem := _text_problem(texts) or _text_problem([("key", fill_movement_key(fill), _KEY_WIDTH)]):
        return problem
    if desk.market_of_fill(fill) is None:
        return "unknown_market"
    if fill.side not in ("buy", "sell"):
        return "bad_side"
    if not fill.trade_id:
        return "no_trade_id"
    if not EARLIEST_NS <= fill.venue_ns <= LATEST_NS:
        return "bad_time"
    return _fill_amount_problem(fill, desk)


def _fill_amount_problem(fill: RawFill, desk: Desk) -> str:
    if not (_amount_ok(fill.price) and _amount_ok(fill.size)):
        return "out_of_range"
    if fill.price < QUANTUM or fill.size < QUANTUM:
        return "not_positive"
    try:
        value(fill.size, fill.price)
    except OutOfRange:
        return "out_of_range"
    if fill.fee is not None and not _amount_ok(fill.fee):
        return "out_of_range"
    if fill.fee is not None and fill.fee != 0 and fill.fee_asset not in desk.assets:
        return "unknown_fee_asset"
    return _settled_problem(fill, desk)


def _settled_problem(fill: RawFill, desk: Desk) -> str:
    """A perpetual's fill says what was settled: booked without it, the cash could not be known. Told again, it may be booked."""
    if not desk.markets[fill.market].is_perpetual:
        return ""
    if fill.realised_pnl is None:
        return "no_realised_pnl"
    return "" if _amount_ok(fill.realised_pnl) else "out_of_range"


def funding_problem(funding: RawFunding, desk: Desk) -> str:
    """Coded reason for which `funding` cannot be booked; "" when it can."""
    if problem := _text_problem([("payment_id", funding_key(funding), _KEY_WIDTH)]):
        return problem
    market = desk.market_of_fill(funding)
    if market is None or not market.is_perpetual:
        return "unknown_market"
    if not funding.payment_id:
        return "no_payment_id"
    if funding.asset != market.quote:
        return "unknown_funding_asset"
    if not EARLIEST_NS <= funding.venue_ns <= LATEST_NS:
        return "bad_time"
    return "" if _amount_ok(funding.amount) else "out_of_range"


def transfer_problem(transfer: RawTransfer, desk: Desk) -> str:
    """Coded reason for which `transfer` cannot be booked; "" when it can."""
    if problem := _text_problem([("transfer_id", transfer.transfer_id, _KEY_WIDTH)]):
        return problem
    if (transfer.venue, transfer.account) not in desk.accounts:
        return "unknown_account"
    if transfer.asset not in desk.assets:
        return "unknown_asset"
    if not transfer.transfer_id:
        return "no_transfer_id"
    if not EARLIEST_NS <= transfer.venue_ns <= LATEST_NS:
        return "bad_time"
    if not _amount_ok(transfer.amount):
        return "out_of_range"
    return "" if abs(transfer.amount) >= QUANTUM else "no_amount"


def cursor_problem(move: CursorMove, desk: Desk) -> str:
    """Coded reason for which a cursor cannot move; "" when it can."""
    if move.account not in {account for _, account in desk.accounts}:
        return "unknown_account"
    if move.channel not in CHANNELS:
        return "unknown_channel"
    return _text_problem([("cursor", move.cursor, _CURSOR_WIDTH)])


def funding_key(funding: RawFunding) -> str:
    """Key of a funding payment's movement within its account."""
    return f"{funding.symbol}|{funding.payment_id}"


def fill_movement_key(fill: RawFill) -> str:
    """Key of a fill's cash movements within its account."""
    return f"{fill.symbol}|{fill.trade_id}|{fill.order_id}"
