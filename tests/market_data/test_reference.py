"""The reference price: own quantity taken out, fallbacks in their order, nothing rather than a guess."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from tests.market_data.scripted_venue import book
from trading.hot_state.values import HotOrder
from trading.market_data.reference import (
    Candidate,
    Reference,
    ReferenceRules,
    ReferenceSource,
    book_reference,
    choose_reference,
    own_quantity,
)

RULES = ReferenceRules(
    max_width_bps=D(100), trade_max_age_s=10.0, rank_pool=0, rank_other_market=2, rank_trade=1, fallback_widen=2.0
)
NOTHING = Reference(None, ReferenceSource.NONE, 0.0)
DUST = D("0.5")


def order(side: str, price: str, size: str, **changes: object) -> HotOrder:
    base = HotOrder(
        client_order_id=f"{side}{price}",
        venue_order_id="",
        side=side,
        level=0,
        epoch=1,
        price=D(price),
        size=D(size),
        filled=D(0),
        status="LIVE",
        deadline_ns=0,
        updated_ns=0,
    )
    return replace(base, **changes)


def mid_of(the_book: object, *orders: HotOrder, changed_ns: int = 0) -> Reference:
    return book_reference(the_book, own_quantity(orders, changed_ns), RULES, 0.1, DUST)


def test_mid_of_a_foreign_book() -> None:
    found = mid_of(book("m", [("0.2500", "10")], [("0.2504", "10")]))
    assert (found.price, found.source, found.age_s, found.widen) == (D("0.2502"), ReferenceSource.BOOK, 0.1, 1.0)


def test_own_best_quotes_do_not_count() -> None:
    the_book = book("m", [("0.2501", "5"), ("0.2500", "10")], [("0.2502", "5"), ("0.2504", "10")])
    found = mid_of(the_book, order("buy", "0.2501", "5"), order("sell", "0.2502", "5"))
    assert (found.ext_bid, found.ext_ask, found.price) == (D("0.2500"), D("0.2504"), D("0.2502"))


def test_a_level_shared_with_others_stays() -> None:
    found = mid_of(book("m", [("0.2501", "7")], [("0.2503", "9")]), order("buy", "0.2501", "5"))
    assert found.ext_bid == D("0.2501")


def test_only_what_is_left_of_a_part_filled_order_is_ours() -> None:
    # 5 ordered, 3 filled: 2 of the 4 shown are ours.
    found = mid_of(book("m", [("0.2501", "4")], [("0.2503", "9")]), order("buy", "0.2501", "5", filled=D(3)))
    assert found.ext_bid == D("0.2501")


def test_two_own_orders_at_one_price_add_up() -> None:
    mine = order("buy", "0.2501", "3"), order("buy", "0.2501", "2", client_order_id="other")
    assert mid_of(book("m", [("0.2501", "5"), ("0.2499", "1")], [("0.2503", "9")]), *mine).ext_bid == D("0.2499")


def test_an_intent_and_an_amend_in_flight_count_at_every_price_they_may_have() -> None:
    the_book = book("m", [("0.2502", "5"), ("0.2501", "5"), ("0.2499", "9")], [("0.2503", "9")])
    amending = order("buy", "0.2501", "5", status="LIVE", amend_price=D("0.2502"), amend_size=D(5))
    assert mid_of(the_book, amending).ext_bid == D("0.2499")
    assert mid_of(book("m", [("0.2501", "5"), ("0.2499", "9")], [("0.2503", "9")]),
                  order("buy", "0.2501", "5", status="INTENT")).ext_bid == D("0.2499")  # fmt: skip


def test_an_order_just_gone_still_counts_until_the_book_must_have_been_told() -> None:
    the_book = book("m", [("0.2501", "5"), ("0.2499", "9")], [("0.2503", "9")])
    gone = order("buy", "0.2501", "5", gone_ns=10_000_000_000)
    assert mid_of(the_book, gone, changed_ns=10_200_000_000).ext_bid == D("0.2499")
    assert mid_of(the_book, gone, changed_ns=10_700_000_000).ext_bid == D("0.2501")


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        ([("0.2501", "5")], [("0.2503", "9")]),  # our bid alone: one-sided once it is taken out
        ([("0.2501", "5"), ("0.2400", "9")], [("0.2503", "9")]),  # wider than 100 bps once it is taken out
    ],
)
def test_what_remains_must_have_two_sides_not_too_far_apart(bids: list, asks: list) -> None:
    found = mid_of(book("m", bids, asks), order("buy", "0.2501", "5"))
    assert (found.price, found.source) == (None, ReferenceSource.NONE)
    assert found.ext_ask == D("0.2503")


TRADE = Candidate(ReferenceSource.LAST_TRADE, D("0.26"), 4.0)
OTHER = Candidate(ReferenceSource.OTHER_MARKET, D("0.27"), 1.0)
POOL = Candidate(ReferenceSource.POOL, D("0.28"), 1.0)


@pytest.mark.parametrize(
    ("ranks", "candidates", "expected"),
    [
        ((0, 2, 1), [OTHER, TRADE, POOL], (D("0.26"), ReferenceSource.LAST_TRADE, 4.0, 2.0)),
        ((0, 1, 2), [OTHER, TRADE, POOL], (D("0.27"), ReferenceSource.OTHER_MARKET, 1.0, 2.0)),
        ((1, 2, 3), [OTHER, TRADE, POOL], (D("0.28"), ReferenceSource.POOL, 1.0, 2.0)),
        ((0, 2, 1), [replace(TRADE, age_s=10.5), OTHER], (D("0.27"), ReferenceSource.OTHER_MARKET, 1.0, 2.0)),
        ((0, 0, 1), [replace(TRADE, age_s=10.5), OTHER], (None, ReferenceSource.NONE, 0.0, 1.0)),
        ((0, 1, 1), [], (None, ReferenceSource.NONE, 0.0, 1.0)),
    ],
)
def test_fallbacks_in_configured_order(ranks: tuple, candidates: list, expected: tuple) -> None:
    rules = replace(RULES, rank_pool=ranks[0], rank_other_market=ranks[1], rank_trade=ranks[2])
    found = choose_reference(NOTHING, candidates, rules)
    assert (found.price, found.source, found.age_s, found.widen) == expected


def test_a_usable_book_needs_no_fallback() -> None:
    from_book = Reference(D("0.25"), ReferenceSource.BOOK, 0.0)
    assert choose_reference(from_book, [TRADE, OTHER], RULES) is from_book
