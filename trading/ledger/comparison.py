"""What differs between an account's books at its venue and ours. Pure: two readings in, readable differences out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.clock import to_datetime
from trading.events.services import plain_decimal
from trading.ledger.arithmetic import quantise
from trading.ledger.in_flight import in_flight, positions_in_flight
from trading.ledger.own_books import MarketBooks, OwnBooks
from trading.ledger.venue_books import FillIdentity, VenueBooks, identity
from trading.venues.interface import OwnFill

# Of each kind, shown one by one up to here; beyond, their number says more. All of them are judged and repaired.
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which venue and ledger disagree; `message` is for people, `kind` and `subject` identify it.

    `market` is the market whose exposure is in doubt, "" where it is the whole account. `rest` is, of a balance or position, what
    fills and transfers on their way to the ledger leave over. `at` is when the fill or transfer happened (venue clock).
    """

    kind: str
    subject: str
    message: str
    market: str = ""
    venue: str = ""
    ledger: str = ""
    rest: str = ""
    at: datetime | None = None

    @property
    def identity(self) -> tuple[str, str]:
        return self.kind, self.subject

    @property
    def key(self) -> tuple[str, str, str]:
        """The same difference again: of a balance, only with the same amount left over."""
        return self.kind, self.subject, self.rest


@dataclass(frozen=True, slots=True)
class MarketComparison:
    """One market's numbers on both sides; positions are base totals, None where they cannot be told apart."""

    slug: str
    venue_fills: int
    ledger_fills: int
    venue_position: Decimal
    ledger_position: Decimal


def compare_markets(venue: VenueBooks, own: OwnBooks) -> tuple[MarketComparison, ...]:
    """Both sides' fill counts and positions, per market."""
    return tuple(
        MarketComparison(
            slug=market.slug,
            venue_fills=len({identity(fill) for fill in venue.fills if fill.market == market.slug}),
            ledger_fills=sum(1 for slug, _, _ in own.fills if slug == market.slug),
            venue_position=_venue_position(venue, own, market),
            ledger_position=market.q,
        )
        for market in own.markets
    )


def compare(venue: VenueBooks, own: OwnBooks) -> list[Difference]:
    """Everything that differs at this moment; something in flight may be among it."""
    found = [*_fills(venue, own), *_transfers(venue, own), *_orders(venue, own), *funding_differences(venue, own)]
    if venue.is_settled:
        coming = in_flight(venue, own)
        found += [*_balances(venue, own, coming), *_positions(venue, own, coming)]
    else:
        found.append(Difference("undecided", "balances", "fills kept coming while the venue's balances were read"))
    return found


def listed(differences: Iterable[Difference]) -> list[Difference]:
    """At most `MOST_LISTED` of each kind, and how many more there are."""
    shown, seen = [], Counter[str]()
    for each in differences:
        seen[each.kind] += 1
        if seen[each.kind] <= MOST_LISTED:
            shown.append(each)
    more = [(kind, count - MOST_LISTED) for kind, count in seen.items() if count > MOST_LISTED]
    return shown + [Difference(kind, "more", f"{count} more of the kind {kind} are not listed") for kind, count in more]


def _fills(venue: VenueBooks, own: OwnBooks) -> Iterator[Difference]:
    told = {identity(fill): fill for fill in venue.fills}
    for key, fill in told.items():
        if key not in own.fills:
            text = f"the venue has fill {fill.trade_id} of order {fill.venue_order_id} on {fill.market}, the ledger has not"
            at = to_datetime(fill.venue_ns)
            yield Difference("fill_missing", _name(key), text, fill.market, _words(fill), at=at)
    for key, booked in own.fills.items():
        if key not in told and _is_inside(own.since.fills, booked.executed_at):
            text = f"the ledger has fill {key[1]} of order {key[2]} on {key[0]}, the venue's history has not"
            yield Difference("fill_extra", _name(key), text, key[0], at=booked.executed_at)
    for key, fill in told.items():
        booked_fill = own.fills.get(key)
        if booked_fill is None:
            continue
        theirs = (fill.side.value, quantise(fill.price), quantise(fill.size))
        if theirs != (booked_fill.side, booked_fill.price, booked_fill.size):
            ours = f"{booked_fill.side} {plain_decimal(booked_fill.size)} @ {plain_decimal(booked_fill.price)}"
            text = f"fill {fill.trade_id} on {fill.market} is {_words(fill)} at the venue, {ours} in the ledger"
            yield Difference("fill_differs", _name(key), text, fill.market, _words(fill), ours)
        elif fill.fee is not None and not booked_fill.fee_waits and quantise(fill.fee) != booked_fill.fee:
            ours = "not known" if booked_fill.fee is None else plain_decimal(booked_fill.fee)
            text = f"the fee of fill {fill.trade_id} on {fill.market} is {plain_decimal(fill.fee)} at the venue, {ours} here"
            yield Difference("fee_differs", _name(key), text, fill.market, plain_decimal(fill.fee), ours)


def _is_inside(since: datetime | None, at: datetime) -> bool:
    # At the very start of a window, entries of the same time may lie before the cursor from which the venue was read.
    return since is None or at > since


def _transfers(venue: VenueBooks, own: OwnBooks) -> Iterator[Difference]:
    told = {transfer.transfer_id: transfer for transfer in venue.transfers}
    for key, transfer in told.items():
        if transfer.asset not in own.balances:
            continue  # an asset that none of the account's markets trades
        booked = own.transfers.get(key)
        words = f"{plain_decimal(transfer.amount)} {transfer.asset}"
        market, at = _trading(own, transfer.asset), to_datetime(transfer.venue_ns)
        if booked is None:
            text = f"transfer {key} of {words} is missing in the ledger"
            yield Difference("transfer_missing", key, text, market, words, at=at)
        elif (booked.asset, booked.amount) != (transfer.asset, quantise(transfer.amount)):
            ours = f"{plain_decimal(booked.amount)} {booked.asset}"
            text = f"transfer {key} of {words} is {ours} in the ledger"
            yield Difference("transfer_differs", key, text, market, words, ours, at=at)
    for key, booked in own.transfers.items():
        if key not in told and _is_inside(own.since.transfers, booked.executed_at):
            ours = f"{plain_decimal(booked.amount)} {booked.asset}"
            text = f"the ledger has transfer {key} of {ours}, the venue's history has not"
            yield Difference("transfer_extra", key, text, _trading(own, booked.asset), "", ours, at=booked.executed_at)


def _orders(venue: VenueBooks, own: OwnBooks) -> Iterator[Difference]:
    resting = {order.client_order_id: order for order in venue.orders}
    for name, order in resting.items():
        if name not in own.possible_orders:
            text = f"order {name or order.venue_order_id} rests on {order.market} at the venue, and is not ours to know"
            yield Difference("order_unknown", name or order.venue_order_id, text, order.market)
    for name in sorted(own.live_orders - resting.keys()):
        text = f"order {name} is resting by our books, and does not rest at the venue"
        yield Difference("order_missing", name, text)


def _balances(venue: VenueBooks, own: OwnBooks, coming: dict[str, Decimal]) -> Iterator[Difference]:
    for asset, ours in sorted(own.balances.items()):
        theirs = venue.balances.get(asset, Decimal(0))
        if abs(theirs - ours) >= _smallest(own, asset):
            told, held = plain_decimal(theirs), plain_decimal(ours)
            rest = _rest(own, asset, theirs - ours - coming.get(asset, Decimal(0)))
            text = f"the venue holds {told} {asset}, the ledger {held}: {rest} unexplained"
            yield Difference("balance_differs", asset, text, _trading(own, asset), told, held, rest)


def _rest(own: OwnBooks, asset: str, amount: Decimal) -> str:
    return plain_decimal(amount) if abs(amount) >= _smallest(own, asset) else "0"


def notes(venue: VenueBooks, own: OwnBooks) -> list[Difference]:
    """What is worth knowing and in no ledger of ours: assets that the account holds and none of its markets trades."""
    return [
        Difference("foreign_asset", asset, f"the account holds {plain_decimal(held)} {asset}, which nobody trades here",
                   venue=plain_decimal(held))
        for asset, held in sorted(venue.balances.items())
        if held and asset not in own.balances
    ]  # fmt: skip


def funding_differences(venue: VenueBooks, own: OwnBooks) -> Iterator[Difference]:
    """Payments of the perpetuals that are missing, differ, or that the venue never made (told only where it told them all)."""
    told = {(payment.market, payment.payment_id): payment for payment in venue.funding}
    for key, payment in told.items():
        booked = own.funding.get(key)
        if booked != quantise(payment.amount):
            theirs, ours = plain_decimal(payment.amount), "" if booked is None else plain_decimal(booked)
            kind = "funding_missing" if booked is None else "funding_differs"
            text = f"funding {key[1]} of {theirs} on {key[0]} at the venue is {ours or 'missing'} in the ledger"
            yield Difference(kind, "|".join(key), text, key[0], theirs, ours, at=to_datetime(payment.venue_ns))
    for key in sorted(own.funding.keys() - told.keys()) if not venue.start.funding else ():
        ours = plain_decimal(own.funding[key])
        text = f"the ledger has funding {key[1]} of {ours} on {key[0]}, the venue's history has not"
        yield Difference("funding_extra", "|".join(key), text, key[0], "", ours)


def _positions(venue: VenueBooks, own: OwnBooks, coming: dict[str, Decimal]) -> Iterator[Difference]:
    moving = positions_in_flight(venue, own)
    for market in own.markets:
        if market.is_perpetual:
            yield from _perpetual_position(venue, own, market, moving.get(market.slug, Decimal(0)))
            continue
        if any(other.quote == market.base for other in own.markets):
            continue  # also a means of payment here: its balance is compared, a position alone is not in it
        theirs = _venue_position(venue, own, market)
        apart = theirs - market.q - market.waiting
        if abs(apart) >= _smallest(own, market.base):
            told, held = plain_decimal(theirs), plain_decimal(market.q)
            rest = _rest(own, market.base, apart - coming.get(market.base, Decimal(0)))
            text = (
                f"the venue's balance makes the position on {market.slug} {told} {market.base}, the ledger has {held}"
            )
            yield Difference("position_differs", market.slug, text, market.slug, told, held, rest)


def _perpetual_position(venue: VenueBooks, own: OwnBooks, market: MarketBooks, moving: Decimal) -> Iterator[Difference]:
    theirs = venue.positions.get(market.slug, Decimal(0))
    if quantise(theirs) != market.q:
        told, held = plain_decimal(theirs), plain_decimal(market.q)
        text = f"the venue's position on {market.slug} is {told} {market.base}, the ledger has {held}"
        rest = _rest(own, market.base, theirs - market.q - moving)
        yield Difference("position_differs", market.slug, text, market.slug, told, held, rest)


def _venue_position(venue: VenueBooks, own: OwnBooks, market: MarketBooks) -> Decimal:
    """The venue's position on a perpetual, else its balance of the base, less what other markets hold of it by our books."""
    if market.is_perpetual:
        return venue.positions.get(market.slug, Decimal(0))
    others = (
        other.q + other.waiting
        for other in own.markets
        if other.base == market.base and other.slug != market.slug and not other.is_perpetual
    )
    return venue.balances.get(market.base, Decimal(0)) - sum(others, Decimal(0))


def _smallest(own: OwnBooks, asset: str) -> Decimal:
    """The smallest amount of an asset that exists: below it, two sides differ only in how they round."""
    return Decimal(1).scaleb(-own.decimals.get(asset, 9))


def _trading(own: OwnBooks, asset: str) -> str:
    """The one market whose base is `asset`; "" where the account as a whole is concerned."""
    found = [market.slug for market in own.markets if market.base == asset and not market.is_perpetual]
    return found[0] if len(found) == 1 else ""


def _words(fill: OwnFill) -> str:
    return f"{fill.side.value} {plain_decimal(fill.size)} @ {plain_decimal(fill.price)}"


def _name(key: FillIdentity) -> str:
    return "|".join(key)
