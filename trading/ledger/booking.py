"""How one inbox entry changes the page: fills, late fees, transfers, funding. No database, no Redis: both are read
before.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from trading.clock import to_datetime
from trading.hot_state.codec import encode
from trading.hot_state.values import RawFill, RawFunding, RawTransfer
from trading.ledger.arithmetic import (
    PositionState,
    apply_base_fee,
    apply_fill,
    apply_funding,
    apply_other_fee,
    apply_perpetual_fill,
    apply_quote_fee,
    apply_transfer_in_kind,
    quantise,
    value,
)
from trading.ledger.desk import LedgerMarket
from trading.ledger.page import (
    DEPOSIT,
    FEE,
    FILL,
    FUNDING,
    SETTLEMENT,
    WITHDRAWAL,
    KnownFill,
    NewFill,
    Page,
    SetAside,
)
from trading.ledger.screening import fill_movement_key, fill_problem, funding_key, funding_problem, transfer_problem
from trading.models import Fill
from trading.storable import storable_json

ONE = Decimal(1)


def book_fill(page: Page, entry_id: str, fill: RawFill) -> None:
    """Apply a fill once: book it, add its late fee, skip a duplicate, or set a contradiction aside."""
    reason = fill_problem(fill, page.desk)
    if reason:
        _set_fill_aside(page, entry_id, fill, reason)
        return
    market = page.desk.markets[fill.market]
    known = page.fills.get(fill.key)
    if known is None:
        _book_new_fill(page, market, fill)
    elif reason := _contradiction(known, fill):
        _set_fill_aside(page, entry_id, fill, reason, scope="" if reason == "fee_conflict" else market.slug)
    elif fill.fee is not None and known.fee is None and not _fee_waits_for_rate(page, market, fill):
        _add_late_fee(page, market, known, fill)
    else:
        page.count("duplicate")
    page.done(fill.market, fill.key)


def _contradiction(known: KnownFill, fill: RawFill) -> str:
    if known.price != quantise(fill.price):
        return "price_conflict"
    if known.size != quantise(fill.size):
        return "size_conflict"
    if known.side != fill.side:
        return "side_conflict"
    if fill.realised_pnl is not None and known.realised_pnl not in (None, quantise(fill.realised_pnl)):
        return "settled_conflict"
    if fill.fee is not None and known.fee is not None:
        same = known.fee == quantise(fill.fee) and (not fill.fee or known.fee_asset == fill.fee_asset)
        return "" if same else "fee_conflict"
    return ""


def _fee_waits_for_rate(page: Page, market: LedgerMarket, fill: RawFill) -> bool:
    return (market.account_id, FEE, fill_movement_key(fill)) in page.movements_known


def _book_new_fill(page: Page, market: LedgerMarket, fill: RawFill) -> None:
    price, size = quantise(fill.price), quantise(fill.size)
    executed_at = to_datetime(fill.venue_ns)
    row = NewFill(
        market_id=market.id,
        venue=fill.venue,
        account=fill.account,
        symbol=fill.symbol,
        trade_id=fill.trade_id,
        order_id=fill.order_id,
        client_order_id=fill.client_order_id,
        side=fill.side,
        price=price,
        size=size,
        maker=fill.maker,
        parameter_version=page.versions.get(fill.client_order_id),
        mid_at_fill=page.references.mark(market.slug, executed_at),
        source=fill.source,
        executed_at=executed_at,
        booked_at=page.now,
        realised_pnl=quantise(fill.realised_pnl) if market.is_perpetual and fill.realised_pnl is not None else None,
    )
    position = page.positions[market.id]
    state = _exchanged(position.state, row)
    row.ledger_seq = position.take(_with_fee(page, market, row, fill, state))
    _move_exchanged(page, market, row, fill_movement_key(fill))
    _move_fee(page, market, row, fill)
    page.fills[fill.key] = row
    page.new_fills.append(row)
    page.count("booked")
    page.tell(f"market:{market.slug}", "fill.booked", _fill_payload(page, market, row))


def _exchanged(state: PositionState, row: NewFill) -> PositionState:
    """The state after the execution itself: what changed hands, or on a perpetual what the venue settled."""
    if row.realised_pnl is not None:
        return apply_perpetual_fill(state, row.side, row.size, row.price, row.realised_pnl)
    return apply_fill(state, row.side, row.size, row.price)


def _move_exchanged(page: Page, market: LedgerMarket, row: NewFill, key: str) -> None:
    """The money and base of the execution; a perpetual moves what was settled and nothing else."""
    account = market.account_id
    if row.realised_pnl is not None:
        if row.realised_pnl:
            page.move(market, account, market.quote, SETTLEMENT, key, row.realised_pnl, ONE, row.executed_at)
        return
    sign = 1 if row.side == "buy" else -1
    page.move(market, account, market.base, FILL, key, sign * row.size, row.price, row.executed_at)
    page.move(market, account, market.quote, FILL, key, -sign * value(row.size, row.price), ONE, row.executed_at)


def _with_fee(page: Page, market: LedgerMarket, row: KnownFill, fill: RawFill, state: PositionState) -> PositionState:
    """The state after the fill's fee, as far as fee and rate are known; writes both into the row."""
    if fill.fee is None:
        return state
    fee, asset = quantise(fill.fee), fill.fee_asset or ""
    if not fee:
        row.fee, row.fee_asset, row.fee_rate = fee, asset, None
        return state
    if asset == market.base and not market.is_perpetual:
        rate: Decimal | None = row.price
        state = apply_base_fee(state, fee, row.price)
    elif asset == market.quote:
        rate = ONE
        state = apply_quote_fee(state, fee)
    else:
        rate = page.references.rate(page.desk, asset, market.quote)
        if rate is None:
            return state
        state = apply_other_fee(state, fee, rate)
    row.fee, row.fee_asset, row.fee_rate = fee, asset, rate
    return state


def _move_fee(page: Page, market: LedgerMarket, row: KnownFill, fill: RawFill) -> None:
    """The fee leaves the balance when it is known; without a rate, its worth is booked later
    (trading.ledger.valuation).
    """
    if fill.fee is None or not quantise(fill.fee):
        return
    key, asset = fill_movement_key(fill), fill.fee_asset or ""
    page.move(market, market.account_id, asset, FEE, key, -quantise(fill.fee), row.fee_rate, row.executed_at)


def _add_late_fee(page: Page, market: LedgerMarket, row: KnownFill, fill: RawFill) -> None:
    position = page.positions[market.id]
    seq = position.take(_with_fee(page, market, row, fill, position.state))
    _move_fee(page, market, row, fill)
    if row.fee is None:
        page.count("fee_waits_for_rate")
        return
    if isinstance(row, Fill):
        page.fees_added.append(row)
    page.count("fee_added")
    payload = {"trade_id": row.trade_id, "order_id": row.order_id, "fee": row.fee, "fee_asset": row.fee_asset}
    page.tell(f"market:{market.slug}", "fill.fee_booked", {**payload, "fee_rate": row.fee_rate, "ledger_seq": seq})


def _fill_payload(page: Page, market: LedgerMarket, row: KnownFill) -> dict[str, Any]:
    state = page.positions[market.id].state
    return {
        "market": market.slug,
        "trade_id": row.trade_id,
        "order_id": row.order_id,
        "client_order_id": row.client_order_id,
        "side": row.side,
        "price": row.price,
        "size": row.size,
        "fee": row.fee,
        "fee_asset": row.fee_asset,
        "maker": row.maker,
        "realised_pnl": row.realised_pnl,
        "source": row.source,
        "mid_at_fill": row.mid_at_fill,
        "parameter_version": row.parameter_version,
        "ledger_seq": row.ledger_seq,
        "executed_at": row.executed_at,
        "position": state.q,
        "realised": state.realised,
        "fees": state.fees,
        "fills": state.fills,
    }


def book_transfer(page: Page, entry_id: str, transfer: RawTransfer) -> None:
    """Apply a deposit or withdrawal once. In kind, it enters the position at a rate; without one the position
    waits for it.
    """
    if reason := transfer_problem(transfer, page.desk):
        _set_transfer_aside(page, entry_id, transfer, reason)
        return
    account_id = page.desk.accounts[(transfer.venue, transfer.account)]
    amount, key = quantise(transfer.amount), transfer.transfer_id
    kind = DEPOSIT if amount > 0 else WITHDRAWAL
    known = [page.movements_known.get((account_id, each, key)) for each in (DEPOSIT, WITHDRAWAL)]
    if (transfer.asset, amount) in known:
        page.count("duplicate")
        return
    market = page.desk.market_holding(account_id, transfer.asset)
    if any(known):
        _set_transfer_aside(page, entry_id, transfer, "transfer_conflict", market)
        return
    rate = _transfer_rate(page, account_id, transfer.asset, market)
    executed_at = to_datetime(transfer.venue_ns)
    if market is not None and rate is not None:
        position = page.positions[market.id]
        position.take(apply_transfer_in_kind(position.state, amount, rate))
    page.move(market, account_id, transfer.asset, kind, key, amount, rate, executed_at)
    page.count("transfer_booked")
    payload = {"transfer_id": key, "asset": transfer.asset, "amount": amount, "rate": rate, "executed_at": executed_at}
    page.tell(f"account:{transfer.account}", "transfer.booked", {**payload, "market": market.slug if market else None})


def _transfer_rate(page: Page, account_id: int, asset: str, market: LedgerMarket | None) -> Decimal | None:
    if market is not None:
        return page.references.rate(page.desk, asset, market.quote)
    return ONE if page.desk.is_quote(account_id, asset) else None


def book_funding(page: Page, entry_id: str, funding: RawFunding) -> None:
    """Apply a funding payment once: it moves the quote balance and is realised."""
    if reason := funding_problem(funding, page.desk):
        _set_funding_aside(page, entry_id, funding, reason)
        return
    market = page.desk.markets[funding.market]
    amount, key = quantise(funding.amount), funding_key(funding)
    known = page.movements_known.get((market.account_id, FUNDING, key))
    if known == (funding.asset, amount):
        page.count("duplicate")
        return
    if known is not None:
        _set_funding_aside(page, entry_id, funding, "funding_conflict", market.slug)
        return
    position, executed_at = page.positions[market.id], to_datetime(funding.venue_ns)
    seq = position.take(apply_funding(position.state, amount))
    page.move(market, market.account_id, market.quote, FUNDING, key, amount, ONE, executed_at)
    page.count("funding_booked")
    payload = {"market": market.slug, "payment_id": funding.payment_id, "asset": funding.asset, "amount": amount}
    more = {"mark_price": funding.mark_price, "source": funding.source, "funding": position.state.funding}
    page.tell(
        f"market:{market.slug}",
        "funding.booked",
        payload | more | {"position": position.state.q, "ledger_seq": seq, "executed_at": executed_at},
    )


def _set_funding_aside(page: Page, entry_id: str, funding: RawFunding, reason: str, scope: str = "") -> None:
    key = f"funding|{funding.venue}|{funding.account}|{funding_key(funding)}"
    aggregate = f"market:{scope}" if scope else "ledger:inbox"
    page.set_aside.append(
        SetAside(entry_id, funding.venue, funding.account, key, reason, _readable(funding), scope, aggregate)
    )
    page.count("quarantined")


def _set_fill_aside(page: Page, entry_id: str, fill: RawFill, reason: str, scope: str = "") -> None:
    aggregate = f"market:{scope}" if scope else "ledger:inbox"
    page.set_aside.append(
        SetAside(entry_id, fill.venue, fill.account, fill.key, reason, _readable(fill), scope, aggregate)
    )
    page.count("quarantined")
    (page.done if fill.key in page.fills else page.forget)(fill.market, fill.key)


def _set_transfer_aside(
    page: Page, entry_id: str, transfer: RawTransfer, reason: str, market: LedgerMarket | None = None
) -> None:
    key = f"transfer|{transfer.venue}|{transfer.account}|{transfer.transfer_id}"
    scope = market.slug if market else ""
    page.set_aside.append(SetAside(entry_id, transfer.venue, transfer.account, key, reason, _readable(transfer), scope))
    page.count("quarantined")


def _readable(value_: RawFill | RawTransfer | RawFunding) -> dict[str, Any]:
    body: dict[str, Any] = storable_json(json.loads(encode(value_)))
    return body
