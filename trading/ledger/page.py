"""The page of the ledger that one transaction fills: positions, balances and known fills in memory, rows
still to write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from trading.events.services import EventDraft
from trading.hot_state.values import HotPosition
from trading.ledger.arithmetic import PositionState, add
from trading.ledger.desk import Desk, LedgerMarket
from trading.ledger.references import References
from trading.models import CashMovement, Fill, Position


@dataclass(slots=True)
class NewFill:
    """A fill booked by this batch and not yet written; the names are the model's."""

    market_id: int
    venue: str
    account: str
    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: str
    price: Decimal
    size: Decimal
    maker: bool
    parameter_version: int | None
    mid_at_fill: Decimal | None
    source: str
    executed_at: datetime
    booked_at: datetime
    ledger_seq: int = 0
    fee: Decimal | None = None
    fee_asset: str = ""
    fee_rate: Decimal | None = None
    realised_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NewMovement:
    """A change of a balance not yet written; the names are the model's."""

    account_id: int
    asset_id: str
    market_id: int | None
    kind: str
    key: str
    amount: Decimal
    rate: Decimal | None
    ledger_seq: int
    executed_at: datetime
    booked_at: datetime


KnownFill = Fill | NewFill
FILL, FEE = str(CashMovement.Kind.FILL), str(CashMovement.Kind.FEE)
SETTLEMENT, FUNDING = str(CashMovement.Kind.SETTLEMENT), str(CashMovement.Kind.FUNDING)
DEPOSIT, WITHDRAWAL = str(CashMovement.Kind.DEPOSIT), str(CashMovement.Kind.WITHDRAWAL)
MovementKey = tuple[int, str, str]  # account id, kind, key


@dataclass(slots=True)
class OpenPosition:
    """A locked position while a batch is applied to it."""

    row: Position
    market: LedgerMarket
    state: PositionState
    ledger_seq: int

    @classmethod
    def of(cls, row: Position, market: LedgerMarket) -> OpenPosition:
        return cls(row, market, state_of(row), row.ledger_seq)

    @property
    def changed(self) -> bool:
        return self.ledger_seq != self.row.ledger_seq

    def take(self, state: PositionState) -> int:
        """Put the next state in place; returns its ledger number."""
        self.state = state
        self.ledger_seq += 1
        return self.ledger_seq

    def hot(self) -> HotPosition:
        """The position as it is published after commit."""
        return HotPosition(
            slug=self.market.slug,
            ledger_seq=self.ledger_seq,
            q=self.state.q,
            cost_basis=self.state.cost_basis,
            realised=self.state.realised,
            cash_flow=self.state.cash_flow,
            fees=self.state.fees,
            fills=self.state.fills,
            funding=self.state.funding,
        )


@dataclass(frozen=True, slots=True)
class SetAside:
    """An entry that is not applied. `scope` is the market whose position is in doubt; "" where none is."""

    entry_id: str
    venue: str
    account: str
    key: str
    reason: str
    body: dict[str, Any]
    scope: str = ""
    aggregate: str = "ledger:inbox"


@dataclass(slots=True)
class Page:
    """Everything one batch reads and writes. `fills` holds known fills by key, booked before or by this
    batch.
    """

    desk: Desk
    now: datetime
    references: References
    positions: dict[int, OpenPosition]
    fills: dict[str, KnownFill] = field(default_factory=dict)
    movements_known: dict[MovementKey, tuple[str, Decimal]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    new_fills: list[NewFill] = field(default_factory=list)
    fees_added: list[Fill] = field(default_factory=list)
    movements: list[NewMovement] = field(default_factory=list)
    balances: dict[tuple[int, str], Decimal] = field(default_factory=dict)
    events: list[EventDraft] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    done_keys: dict[str, list[str]] = field(default_factory=dict)
    forgotten_keys: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def move(
        self,
        market: LedgerMarket | None,
        account_id: int,
        asset: str,
        kind: str,
        key: str,
        amount: Decimal,
        rate: Decimal | None,
        executed_at: datetime,
    ) -> None:
        """One change of a balance: the movement's row, and the sum for the balance."""
        seq = self.positions[market.id].ledger_seq if market else 0
        self.movements.append(
            NewMovement(
                account_id=account_id,
                asset_id=asset,
                market_id=market.id if market else None,
                kind=kind,
                key=key,
                amount=amount,
                rate=rate,
                ledger_seq=seq,
                executed_at=executed_at,
                booked_at=self.now,
            )
        )
        self.movements_known[(account_id, kind, key)] = (asset, amount)
        held = self.balances.get((account_id, asset), Decimal(0))
        self.balances[(account_id, asset)] = add(held, amount)

    def tell(self, aggregate: str, kind: str, payload: dict[str, Any]) -> None:
        """An event of this transaction."""
        self.events.append(EventDraft(aggregate, kind, payload, self.now))

    def count(self, outcome: str) -> None:
        self.counts[outcome] = self.counts.get(outcome, 0) + 1

    def done(self, slug: str, key: str) -> None:
        """The fill is contained in the position that will be published: no longer pending."""
        self.done_keys.setdefault(slug, []).append(key)

    def forget(self, slug: str, key: str) -> None:
        """The fill will not be applied: no longer pending either."""
        self.forgotten_keys.setdefault(slug, []).append(key)


def state_of(row: Position) -> PositionState:
    """The pure state in a position's row."""
    return PositionState(
        q=row.q,
        cost_basis=row.cost_basis,
        realised=row.realised,
        cash_flow=row.cash_flow,
        fees=row.fees,
        funding=row.funding,
        bought=row.bought,
        sold=row.sold,
        volume=row.volume,
        fills=row.fills,
    )
