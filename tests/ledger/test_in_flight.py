"""What entries on their way to the ledger account for, and what they leave over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

from tests.ledger.desk import NOW, NOW_NS
from trading.ledger.comparison import MOST_LISTED, Difference, compare, listed
from trading.ledger.in_flight import fees_not_told
from trading.ledger.own_books import BookedFill, BookedTransfer, MarketBooks, OwnBooks, Since
from trading.ledger.venue_books import VenueBooks, Watermark, new_books
from trading.venues.interface import OwnFill, Side, VenueTransfer

SLUG = "dct-usdt-dex"
KEY = (SLUG, "t1", "o1")
FILL = OwnFill(SLUG, "t1", "o1", "m1", Side.BUY, D("0.25"), D(40), D("0.01"), "usdt", True, NOW_NS, "c1")
BOOKED = BookedFill("buy", D("0.25"), D(40), D("0.01"), NOW)
DEPOSIT = VenueTransfer("d1", "usdt", D(5), NOW_NS, "c1")


def venue(*fills: OwnFill, dct: str, usdt: str, transfers: tuple[VenueTransfer, ...] = ()) -> VenueBooks:
    books = new_books(Watermark())
    books.fills, books.transfers, books.is_settled = list(fills), list(transfers), True
    books.balances = {"dct": D(dct), "usdt": D(usdt)}
    return books


def own(dct: str, usdt: str, **changes: object) -> OwnBooks:
    """A ledger that holds these, with nothing in its history but what is given."""
    made = OwnBooks(
        since=Since(), fills={}, transfers={}, markets=(MarketBooks(SLUG, "dct", "usdt", D(dct), D(0)),),
        balances={"dct": D(dct), "usdt": D(usdt)}, decimals={"dct": 9, "usdt": 6},
        live_orders=frozenset(), possible_orders=frozenset(),
    )  # fmt: skip
    return replace(made, **changes)


def rests(books: VenueBooks, ledger: OwnBooks) -> dict[str, str]:
    """What is left over, by kind and asset or market; what fills and transfers say is left out."""
    return {each.subject: each.rest for each in compare(books, ledger) if each.rest}


def test_a_missing_fill_accounts_for_what_it_moves_fee_included() -> None:
    assert rests(venue(FILL, dct="1040", usdt="89.99"), own("1000", "100")) == {"dct": "0", "usdt": "0", SLUG: "0"}
    sold = replace(FILL, side=Side.SELL, fee=D(1), fee_asset="dct")
    assert rests(venue(sold, dct="959", usdt="110"), own("1000", "100")) == {"dct": "0", "usdt": "0", SLUG: "0"}


def test_the_same_fill_twice_in_a_reading_counts_once() -> None:
    assert rests(venue(FILL, FILL, dct="1040", usdt="89.99"), own("1000", "100")) == {
        "dct": "0",
        "usdt": "0",
        SLUG: "0",
    }


def test_what_a_missing_fill_does_not_account_for_is_left_over() -> None:
    assert rests(venue(FILL, dct="1043", usdt="89.49"), own("1000", "100")) == {"dct": "3", "usdt": "-0.5", SLUG: "3"}


def test_a_fee_that_is_to_be_added_accounts_for_itself() -> None:
    ledger = own("1040", "90", fills={KEY: replace(BOOKED, fee=None)})
    books = venue(FILL, dct="1040", usdt="89.99")
    assert rests(books, ledger) == {"usdt": "0"}
    assert [each.kind for each in compare(books, ledger)] == ["fee_differs", "balance_differs"]


def test_a_fee_that_left_the_balance_and_waits_for_a_rate_is_no_difference() -> None:
    ledger = own("1040", "89.99", fills={KEY: replace(BOOKED, fee=None, fee_waits=True)})
    assert compare(venue(FILL, dct="1040", usdt="89.99"), ledger) == []


def test_contradictions_account_for_nothing() -> None:
    other_fee = own("1040", "89.5", fills={KEY: replace(BOOKED, fee=D("0.5"))})
    assert rests(venue(FILL, dct="1040", usdt="89.99"), other_fee) == {"usdt": "0.49"}
    other_size = own("1030", "92.49", fills={KEY: replace(BOOKED, size=D(30))})
    assert rests(venue(FILL, dct="1040", usdt="89.99"), other_size) == {"dct": "10", "usdt": "-2.5", SLUG: "10"}
    extra = own("1040", "89.99", fills={KEY: BOOKED})
    assert rests(venue(dct="1000", usdt="100"), extra) == {"dct": "-40", "usdt": "10.01", SLUG: "-40"}


def test_a_missing_transfer_accounts_for_itself_and_a_contradicting_one_does_not() -> None:
    books = venue(dct="1000", usdt="105", transfers=(DEPOSIT,))
    assert rests(books, own("1000", "100")) == {"usdt": "0"}
    contradicts = own("1000", "104", transfers={"d1": BookedTransfer("usdt", D(4), NOW)})
    assert rests(books, contradicts) == {"usdt": "1"}
    assert {each.kind for each in compare(books, contradicts)} == {"transfer_differs", "balance_differs"}


def test_a_transfer_that_the_venue_never_had_is_told() -> None:
    ledger = own("1000", "100", transfers={"d1": BookedTransfer("usdt", D(5), NOW)})
    (found,) = compare(venue(dct="1000", usdt="100"), ledger)
    assert (found.kind, found.subject, found.at) == ("transfer_extra", "d1", NOW)
    before_the_window = replace(ledger, since=Since(transfers=NOW))
    assert compare(venue(dct="1000", usdt="100"), before_the_window) == []


def test_a_fill_on_a_market_that_nobody_can_book_accounts_for_nothing() -> None:
    foreign = replace(FILL, market="venue:DCT/EUR")
    assert rests(venue(foreign, dct="1040", usdt="100"), own("1000", "100")) == {"dct": "40", SLUG: "40"}


def test_fees_not_told_are_bounded_by_size_and_by_time() -> None:
    books, ledger = venue(replace(FILL, fee=None, fee_asset=None), dct="1040", usdt="90"), own("1040", "90")
    assert fees_not_told(books, ledger, NOW + timedelta(minutes=10)) == {"dct": D("0.4"), "usdt": D("0.1")}
    assert fees_not_told(books, ledger, NOW + timedelta(minutes=11)) == {}
    assert fees_not_told(venue(FILL, dct="1040", usdt="90"), ledger, NOW) == {}


def test_below_the_smallest_unit_two_sides_only_round() -> None:
    assert compare(venue(dct="1000", usdt="100.0000009"), own("1000", "100")) == []
    assert rests(venue(dct="1000", usdt="100.000001"), own("1000", "100")) == {"usdt": "0.000001"}


def test_a_list_is_cut_for_people_per_kind() -> None:
    many = [Difference("fill_missing", str(number), "") for number in range(MOST_LISTED + 7)]
    shown = listed([*many, Difference("balance_differs", "usdt", "")])
    assert len(shown) == MOST_LISTED + 2
    assert (shown[-2].kind, shown[-1].message) == ("balance_differs", "7 more of the kind fill_missing are not listed")
