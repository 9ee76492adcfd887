"""Balances and holds of every account, and the money side of a trade.

Totals move only by `credit` (a booked transfer) and by `move` (a trade, a fee, a settlement or a funding of a
perpetual, against the recorded market's account), which moves the same amount between two accounts: per asset the sum
over all accounts therefore changes only by transfers. Amounts are exact: nothing is rounded here (a fee has at most the
decimals of price, size and fee rate together, 12 with the listed instruments).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from trading.sandbox.types import Balance, FeeMode, Instrument, Side

ZERO = Decimal(0)
HOUSE_PREFIX = "house:"
MARKET_ACCOUNT = "house:market"  # counterparty of the recorded flow, of settlements and fundings; may go negative
FEE_ACCOUNT = "house:fees"


@dataclass(frozen=True, slots=True)
class Leg:
    """One account's side of a trade."""

    account: str
    fee_rate: Decimal


class AccountLedger:
    """In-memory balances; `dirty` names the (account, asset) totals that the store has not been given yet."""

    def __init__(self) -> None:
        self.totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.dirty: set[tuple[str, str]] = set()

    def free(self, account: str, asset: str) -> Decimal:
        key = (account, asset)
        return self.totals.get(key, ZERO) - self.held.get(key, ZERO)

    def hold(self, account: str, asset: str, amount: Decimal) -> None:
        """Hold more of an account's balance (negative: release)."""
        if amount:
            self.held[account, asset] += amount

    def credit(self, account: str, asset: str, amount: Decimal) -> None:
        self.totals[account, asset] += amount
        self.dirty.add((account, asset))

    def settle(
        self,
        instrument: Instrument,
        buyer: Leg,
        seller: Leg,
        price: Decimal,
        size: Decimal,
    ) -> tuple[Decimal, Decimal]:
        """Exchange base for quote (a perpetual: nothing) and charge both fees; returns the buyer's and the seller's."""
        if not instrument.is_perpetual:
            self.move(seller.account, buyer.account, instrument.base, size)
            self.move(buyer.account, seller.account, instrument.quote, price * size)
        buyer_fee = fee_basis(instrument, Side.BUY, price, size) * buyer.fee_rate
        seller_fee = fee_basis(instrument, Side.SELL, price, size) * seller.fee_rate
        self.move(buyer.account, FEE_ACCOUNT, fee_asset(instrument, Side.BUY), buyer_fee)
        self.move(seller.account, FEE_ACCOUNT, fee_asset(instrument, Side.SELL), seller_fee)
        return buyer_fee, seller_fee

    def move(self, source: str, target: str, asset: str, amount: Decimal) -> None:
        """Book an amount from one account to another."""
        if amount:
            self.credit(source, asset, -amount)
            self.credit(target, asset, amount)

    def balances(self, account: str) -> list[Balance]:
        keys = sorted(key for key in self.totals if key[0] == account)
        return [Balance(asset, self.totals[account, asset], self.held[account, asset]) for _, asset in keys]

    def asset_totals(self) -> dict[str, Decimal]:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (_, asset), total in sorted(self.totals.items()):
            sums[asset] += total
        return dict(sums)


def fee_asset(instrument: Instrument, side: Side) -> str:
    """The asset in which the account on `side` pays its fee."""
    if instrument.fee_mode is FeeMode.QUOTE or side is Side.SELL:
        return instrument.quote
    return instrument.base


def fee_basis(instrument: Instrument, side: Side, price: Decimal, size: Decimal) -> Decimal:
    """The amount that the fee rate applies to, in `fee_asset`."""
    if instrument.fee_mode is FeeMode.QUOTE or side is Side.SELL:
        return instrument.notional(price, size)
    return size


def hold_of(instrument: Instrument, side: Side, price: Decimal, size: Decimal) -> tuple[str, Decimal]:
    """Asset and amount that an open order on spot holds: base for an ask; price × size for a bid, plus the larger of the
    maker's and the taker's fee where the fee is charged in quote."""
    if side is Side.SELL:
        return instrument.base, size
    amount = price * size
    if instrument.fee_mode is FeeMode.QUOTE:
        amount += amount * max(instrument.maker_fee, instrument.taker_fee, ZERO)
    return instrument.quote, amount
