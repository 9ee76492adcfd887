"""Positions and margin of every account in memory: what `core` keeps beside the balances for perpetuals.

Margin in use is held in the settle asset like what an order holds on spot, and is worked out anew whenever an order or
a position of the account in that market changes.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from trading.sandbox import contracts
from trading.sandbox.account_ledger import AccountLedger
from trading.sandbox.contracts import ZERO, Holding, Terms
from trading.sandbox.types import Instrument, Order, Position

FLAT = Holding()


class Perpetuals:
    """Holdings, open orders' terms and margin in use by (account, symbol)."""

    def __init__(self, ledger: AccountLedger) -> None:
        self.holdings: dict[tuple[str, str], Holding] = {}
        self._ledger = ledger
        self._orders: defaultdict[tuple[str, str], dict[str, Terms]] = defaultdict(dict)
        self._in_use: dict[tuple[str, str], Decimal] = {}
        self._assets: dict[tuple[str, str], str] = {}

    def holding(self, account: str, symbol: str) -> Holding:
        return self.holdings.get((account, symbol), FLAT)

    def order_changed(self, order: Order, instrument: Instrument) -> None:
        """Take an order's state in; a done one is forgotten."""
        terms = self._orders[order.account, order.symbol]
        if order.remaining > 0:
            terms[order.order_id] = Terms(order.side, order.price, order.remaining)
        else:
            terms.pop(order.order_id, None)
        self.refresh_margin(order.account, instrument)

    def refresh_margin(self, account: str, instrument: Instrument) -> None:
        """Hold exactly the margin that is in use now."""
        key = (account, instrument.symbol)
        wanted = contracts.margin_in_use(self.holding(*key), instrument, self._orders[key].values())
        self._ledger.hold(account, instrument.quote, wanted - self._in_use.get(key, ZERO))
        self._in_use[key], self._assets[key] = wanted, instrument.quote

    def margin_rise(self, order: Order, instrument: Instrument) -> Decimal:
        """By how much the order, new or with changed terms, would raise the margin in use (negative: lower it)."""
        key = (order.account, order.symbol)
        terms = {**self._orders.get(key, {}), order.order_id: Terms(order.side, order.price, order.remaining)}
        wanted = contracts.margin_in_use(self.holding(*key), instrument, terms.values())
        return wanted - self._in_use.get(key, ZERO)

    def margin_of(self, account: str, asset: str) -> Decimal:
        """Margin that the account has in use in an asset, over all markets."""
        return sum(
            (used for key, used in self._in_use.items() if key[0] == account and self._assets[key] == asset), ZERO
        )

    def position(self, account: str, instrument: Instrument, mark: Decimal | None) -> Position:
        held = self.holding(account, instrument.symbol)
        return Position(
            symbol=instrument.symbol,
            account=account,
            size=held.size if held.size else ZERO,
            entry_price=held.entry_price if held.size else None,
            mark_price=mark,
            unrealised_pnl=contracts.unrealised_pnl(held, instrument, mark),
            realised_pnl=held.realised_pnl,
            initial_margin=contracts.position_margin(held, instrument),
            updated_ns=held.updated_ns,
        )
