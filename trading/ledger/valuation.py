"""Movements that were booked while no rate was known: their worth enters the position as soon as there is
one, once.

The balance moved at once (so no transfer is ever lost); the position waits. A movement with a market and
without a rate is waiting until an adjustment of amount 0 carries its frozen rate under the key
`rate|<kind>|<key>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from trading.events.services import record
from trading.hot_state.values import HotPosition
from trading.ledger.arithmetic import apply_other_fee, apply_transfer_in_kind
from trading.ledger.desk import Desk, LedgerMarket, read_desk
from trading.ledger.page import OpenPosition
from trading.ledger.references import References
from trading.ledger.services import open_positions, write_positions
from trading.models import CashMovement, Fill

BATCH = 200


def waiting_movements() -> QuerySet[CashMovement]:
    """Movements whose worth is not in a position yet, oldest first."""
    name = Concat(Value("rate|"), OuterRef("kind"), Value("|"), OuterRef("key"), output_field=CharField())
    rated = CashMovement.objects.annotate(wanted=name).filter(
        account_id=OuterRef("account_id"),
        asset_id=OuterRef("asset_id"),
        kind=CashMovement.Kind.ADJUSTMENT,
        key=F("wanted"),
    )
    waiting = CashMovement.objects.filter(market__isnull=False, rate__isnull=True).exclude(
        kind=CashMovement.Kind.ADJUSTMENT
    )
    return waiting.filter(~Exists(rated)).order_by("id")


def value_waiting(now: datetime) -> tuple[HotPosition, ...]:
    """Give every waiting movement its rate where one is known now; returns the positions to publish."""
    desk, references = read_desk(), References(now)
    by_id = {market.id: market for market in desk.markets.values()}
    rates: dict[tuple[int, str], Decimal] = {}
    for market_id, asset in set(waiting_movements().values_list("market_id", "asset_id")):
        rate = references.rate(desk, asset, by_id[market_id].quote)
        if rate is not None:
            rates[(market_id, asset)] = rate
    return _value(rates, desk, now) if rates else ()


def _value(rates: dict[tuple[int, str], Decimal], desk: Desk, now: datetime) -> tuple[HotPosition, ...]:
    with transaction.atomic():
        positions = open_positions({market_id for market_id, _ in rates}, desk, now)
        # Read again under the lock: another ledger process may have valued some meanwhile.
        rows = waiting_movements().filter(market_id__in=positions.keys())[:BATCH]
        valued = [row for row in rows if (row.market_id, row.asset_id) in rates]
        for row in valued:
            _enter(positions[row.market_id], row, rates[(row.market_id, row.asset_id)])
        write_positions(positions.values(), now)
        CashMovement.objects.bulk_create(
            _rate_row(row, rates[(row.market_id, row.asset_id)], positions[row.market_id], now) for row in valued
        )
        _tell(valued, rates, positions, now)
    return tuple(position.hot() for position in positions.values())


def _enter(position: OpenPosition, row: CashMovement, rate: Decimal) -> None:
    if row.kind != CashMovement.Kind.FEE:
        position.take(apply_transfer_in_kind(position.state, row.amount, rate))
        return
    fee = -row.amount
    position.take(apply_other_fee(position.state, fee, rate))
    _add_fee_to_fill(position.market, row.key, fee, row.asset_id, rate)


def _add_fee_to_fill(market: LedgerMarket, key: str, fee: Decimal, asset: str, rate: Decimal) -> None:
    waiting = Fill.objects.filter(market_id=market.id, venue=market.venue, account=market.account, fee__isnull=True)
    # A movement's key is symbol|trade id|order id; the symbol may hold anything, hence the comparison of the
    # whole.
    name = Concat(F("symbol"), Value("|"), F("trade_id"), Value("|"), F("order_id"), output_field=CharField())
    waiting.annotate(movement_key=name).filter(movement_key=key).update(fee=fee, fee_asset=asset, fee_rate=rate)


def _rate_row(row: CashMovement, rate: Decimal, position: OpenPosition, now: datetime) -> CashMovement:
    return CashMovement(
        account_id=row.account_id,
        asset_id=row.asset_id,
        market_id=row.market_id,
        kind=CashMovement.Kind.ADJUSTMENT,
        key=f"rate|{row.kind}|{row.key}",
        amount=Decimal(0),
        rate=rate,
        ledger_seq=position.ledger_seq,
        executed_at=row.executed_at,
        booked_at=now,
    )


def _tell(
    rows: Iterable[CashMovement],
    rates: dict[tuple[int, str], Decimal],
    positions: dict[int, OpenPosition],
    now: datetime,
) -> None:
    for row in rows:
        market = positions[row.market_id].market
        rate = rates[(row.market_id, row.asset_id)]
        payload = {"kind": row.kind, "key": row.key, "asset": row.asset_id, "amount": row.amount, "rate": rate}
        position = {"market": market.slug, "position": positions[row.market_id].state.q}
        record(f"market:{market.slug}", "movement.valued", payload | position, occurred_at=now)
