"""The single path into the ledger: a batch of inbox entries in one transaction, published and acknowledged
after its commit.

PostgreSQL is the commit point. Nothing here is lost or counted twice, whatever is repeated: fills and
movements are unique by key, positions are locked while a batch is applied, and an entry is acknowledged only
after its effect was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from django.db import transaction

from trading.copying import copy_rows
from trading.events.services import record_set
from trading.hot_state.inbox import InboxEntry
from trading.hot_state.values import CursorMove, HotPosition, RawFill, RawFunding, RawTransfer
from trading.ledger.arithmetic import add
from trading.ledger.booking import book_fill, book_funding, book_transfer
from trading.ledger.desk import Desk, read_desk
from trading.ledger.page import (
    DEPOSIT,
    FEE,
    FUNDING,
    WITHDRAWAL,
    KnownFill,
    MovementKey,
    NewFill,
    NewMovement,
    OpenPosition,
    Page,
    SetAside,
)
from trading.ledger.quarantine import Contradiction, set_entries_aside
from trading.ledger.references import References
from trading.ledger.screening import cursor_problem, fill_movement_key, funding_key
from trading.locks import lock_cash_balances, lock_positions
from trading.models import CashBalance, CashMovement, Fill, Order, Position, VenueCursor
from trading.storable import storable_text

FILL_COLUMNS = tuple(each.name for each in fields(NewFill))
MOVEMENT_COLUMNS = tuple(each.name for each in fields(NewMovement))
_fill_values, _movement_values = attrgetter(*FILL_COLUMNS), attrgetter(*MOVEMENT_COLUMNS)
TRANSFER_KINDS = (DEPOSIT, WITHDRAWAL)


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What a committed batch did, and what is to be published of it.

    `counts` by outcome (booked, duplicate, fee_added, transfer_booked, quarantined, cursor_moved, ...);
    `done_keys` and `forgotten_keys`: fill keys by market that are no longer pending; `contradictions` call
    for a lock.
    """

    positions: tuple[HotPosition, ...] = ()
    done_keys: dict[str, list[str]] = field(default_factory=dict)
    forgotten_keys: dict[str, list[str]] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def apply_batch(entries: Sequence[InboxEntry], now: datetime) -> BatchOutcome:
    """Book `entries` in the order given, in one transaction: all of them or, on any error, none.

    What cannot be booked (unreadable, unknown market, contradiction) is set aside in the same transaction and
    never raises; database errors do.
    """
    desk = read_desk()
    references = References(now)
    with transaction.atomic():
        page = _open_page(entries, desk, references, now)
        for entry in entries:
            _apply(page, entry)
        _write_rows(page)
        contradictions = set_entries_aside(page)
        _move_cursors(page, entries)
        record_set(page.events)
    return BatchOutcome(
        positions=tuple(position.hot() for position in page.positions.values()),
        done_keys=page.done_keys,
        forgotten_keys=page.forgotten_keys,
        set_aside=tuple(page.set_aside),
        contradictions=tuple(contradictions),
        counts=page.counts,
    )


def _apply(page: Page, entry: InboxEntry) -> None:
    value = entry.value
    if value is None or entry.problem:
        _set_aside(page, entry)
    elif isinstance(value, RawFill):
        book_fill(page, entry.entry_id, value)
    elif isinstance(value, RawTransfer):
        book_transfer(page, entry.entry_id, value)
    elif isinstance(value, RawFunding):
        book_funding(page, entry.entry_id, value)


def _set_aside(page: Page, entry: InboxEntry) -> None:
    """Set aside what cannot be read, or was read and refused by the database. A refused fill of ours is no longer pending, and
    puts its market's position in doubt."""
    body = {"text": storable_text(entry.body.decode(errors="replace")), "problem": entry.problem}
    page.count("quarantined")
    fill = entry.value
    if not isinstance(fill, RawFill):
        reason = "unreadable" if fill is None else "refused"
        page.set_aside.append(SetAside(entry.entry_id, "", "", f"entry|{entry.entry_id}", reason, body))
        return
    market = page.desk.market_of_fill(fill)
    scope = market.slug if market is not None else ""
    aggregate = f"market:{scope}" if scope else "ledger:inbox"
    page.set_aside.append(
        SetAside(entry.entry_id, fill.venue, fill.account, fill.key, "refused", body, scope, aggregate)
    )
    page.forget(fill.market, fill.key)


# --- reading what the batch touches, under locks
# ----------------------------------------------------------------------


def _open_page(entries: Sequence[InboxEntry], desk: Desk, references: References, now: datetime) -> Page:
    values = [entry.value for entry in entries if not entry.problem]
    fills = [value for value in values if isinstance(value, RawFill)]
    transfers = [value for value in values if isinstance(value, RawTransfer)]
    booked = [fill for fill in fills if desk.market_of_fill(fill) is not None]
    funding = [value for value in values if isinstance(value, RawFunding) and desk.market_of_fill(value) is not None]
    versions = _parameter_versions(fill.client_order_id for fill in booked)
    page = Page(
        desk,
        now,
        references,
        open_positions(_market_ids([*booked, *funding], transfers, desk), desk, now),
        versions=versions,
    )
    page.fills = _known_fills(booked)
    page.movements_known = _known_movements(page, booked, transfers, funding)
    return page


def _market_ids(entries: Iterable[RawFill | RawFunding], transfers: Iterable[RawTransfer], desk: Desk) -> set[int]:
    ids = {desk.markets[entry.market].id for entry in entries}
    for transfer in transfers:
        account_id = desk.accounts.get((transfer.venue, transfer.account))
        market = desk.market_holding(account_id, transfer.asset) if account_id is not None else None
        if market is not None:
            ids.add(market.id)
    return ids


def open_positions(market_ids: Iterable[int], desk: Desk, now: datetime) -> dict[int, OpenPosition]:
    """Positions of these markets, made where missing and locked until the end of the transaction."""
    wanted = set(market_ids)
    rows = lock_positions(wanted)
    if len(rows) < len(wanted):
        missing = sorted(wanted - {row.market_id for row in rows})
        made = [Position(market_id=market_id, updated_at=now) for market_id in missing]
        Position.objects.bulk_create(made, ignore_conflicts=True)
        rows = lock_positions(wanted)
    by_id = {market.id: market for market in desk.markets.values()}
    return {row.market_id: OpenPosition.of(row, by_id[row.market_id]) for row in rows}


def _parameter_versions(client_order_ids: Iterable[str]) -> dict[str, int]:
    names = {name for name in client_order_ids if name and "\x00" not in name}
    if not names:
        return {}
    rows = Order.objects.filter(client_order_id__in=names)
    return dict(rows.values_list("client_order_id", "parameter_version"))


def _known_fills(fills: Iterable[RawFill]) -> dict[str, KnownFill]:
    """Fills already booked under the keys of `fills`."""
    groups: dict[tuple[str, str, str], set[str]] = {}
    for fill in fills:
        if "\x00" not in fill.trade_id:
            groups.setdefault((fill.venue, fill.account, fill.symbol), set()).add(fill.trade_id)
    known: dict[str, KnownFill] = {}
    for (venue, account, symbol), trade_ids in groups.items():
        # By the columns of the unique index, in its order.
        rows = Fill.objects.filter(venue=venue, account=account, symbol=symbol, trade_id__in=trade_ids)
        for row in rows:
            known["|".join((row.venue, row.account, row.symbol, row.trade_id, row.order_id))] = row
    return known


def _known_movements(
    page: Page, fills: Iterable[RawFill], transfers: Iterable[RawTransfer], funding: Iterable[RawFunding]
) -> dict[MovementKey, tuple[str, Decimal]]:
    """Movements that decide whether a transfer, funding, or a fee whose rate was missing, is already booked."""
    wanted: dict[tuple[int, str], set[str]] = {}
    for payment in funding:
        if "\x00" not in funding_key(payment):
            market = page.desk.markets[payment.market]
            wanted.setdefault((market.account_id, FUNDING), set()).add(funding_key(payment))
    for transfer in transfers:
        account_id = page.desk.accounts.get((transfer.venue, transfer.account))
        if account_id is not None and "\x00" not in transfer.transfer_id:
            for kind in TRANSFER_KINDS:
                wanted.setdefault((account_id, kind), set()).add(transfer.transfer_id)
    for fill in fills:
        row = page.fills.get(fill.key)
        if row is not None and row.fee is None:
            market = page.desk.markets[fill.market]
            wanted.setdefault((market.account_id, FEE), set()).add(fill_movement_key(fill))
    known = {}
    for (account_id, kind), keys in wanted.items():
        rows = CashMovement.objects.filter(account_id=account_id, kind=kind, key__in=keys)
        for key, asset, amount in rows.values_list("key", "asset_id", "amount"):
            known[(account_id, kind, key)] = (asset, amount)
    return known


# --- writing
# ----------------------------------------------------------------------------------------------------------


def _write_rows(page: Page) -> None:
    """Set-based writes in the one lock order: positions, balances, then the rows of record."""
    write_positions(page.positions.values(), page.now)
    write_balances(page.balances)
    copy_rows(Fill._meta.db_table, FILL_COLUMNS, map(_fill_values, page.new_fills))
    copy_rows(CashMovement._meta.db_table, MOVEMENT_COLUMNS, map(_movement_values, page.movements))
    if page.fees_added:
        Fill.objects.bulk_update(page.fees_added, ["fee", "fee_asset", "fee_rate"])


def write_positions(positions: Iterable[OpenPosition], now: datetime) -> None:
    """Store the locked positions that changed."""
    for position in positions:
        if not position.changed:
            continue
        row, state = position.row, position.state
        for name in (
            "q",
            "cost_basis",
            "realised",
            "cash_flow",
            "fees",
            "funding",
            "bought",
            "sold",
            "volume",
            "fills",
        ):
            setattr(row, name, getattr(state, name))
        row.ledger_seq = position.ledger_seq
        row.updated_at = now
        row.save(force_update=True)


def write_balances(changes: dict[tuple[int, str], Decimal]) -> None:
    """Add `changes` by (account id, asset) to the balances, made where missing."""
    if not changes:
        return
    accounts = {account_id for account_id, _ in changes}
    rows = {(row.account_id, row.asset_id): row for row in lock_cash_balances(accounts)}
    missing = sorted(changes.keys() - rows.keys())
    if missing:
        made = [CashBalance(account_id=account_id, asset_id=asset) for account_id, asset in missing]
        CashBalance.objects.bulk_create(made, ignore_conflicts=True)
        rows = {(row.account_id, row.asset_id): row for row in lock_cash_balances(accounts)}
    touched = [rows[key] for key in sorted(changes)]
    for row in touched:
        row.amount = add(row.amount, changes[(row.account_id, row.asset_id)])
    CashBalance.objects.bulk_update(touched, ["amount"])


def _move_cursors(page: Page, entries: Sequence[InboxEntry]) -> None:
    """Cursors move in the transaction that books what was read before them; the latest of a channel counts."""
    accounts = {account: account_id for (_, account), account_id in page.desk.accounts.items()}
    latest: dict[tuple[int, str], str] = {}
    for entry in entries:
        move = entry.value
        if not isinstance(move, CursorMove) or entry.problem:
            continue
        if reason := cursor_problem(move, page.desk):
            page.count(f"cursor_refused_{reason}")
            continue
        latest[(accounts[move.account], move.channel)] = move.cursor
        page.count("cursor_moved")
    rows = [
        VenueCursor(account_id=account_id, channel=channel, cursor=cursor, updated_at=page.now)
        for (account_id, channel), cursor in sorted(latest.items())
    ]
    VenueCursor.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["account", "channel"], update_fields=["cursor", "updated_at"]
    )
