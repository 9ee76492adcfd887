"""The registry: labels, switching off and on, what was traded stays, and a new market with its first parameters."""

from __future__ import annotations

from typing import Any

from django.db import connection

from governance.desk.review.words import risk_reason
from governance.models import Proposal
from governance.review.risk import assess_registry
from governance.review.story import proposal_story
from tests.review.desk import CEX, DEX, Desk, failure, in_force, refused
from trading.controls.selectors import effective_state
from trading.models import Asset, Event, Market, Order, ParameterSet, TradingControl, Venue, VenueAccount
from trading.parameters.starting_values import STARTING_VALUES
from trading.quoting.governed import load_rules

VALUES = STARTING_VALUES[DEX].values
LABEL = {"registry": {"market:dct-usdt-dex": {"source_label": "Recorded market"}}}
OFF = {"registry": {"market:dct-usdt-dex": {"is_active": "false"}}}
ON = {"registry": {"market:eth-usdt-perp": {"is_active": "true"}}}
SYMBOL = {"registry": {"market:gram-usdt-cex": {"venue_symbol": "TON-USDT"}}}
NEW_MARKET = {
    "account": "moon-desk",
    "base": "moon",
    "quote": "usdt",
    "venue_symbol": "MOON-USDT",
    "lot_size": "100.0",
    "is_active": "true",
}
WHOLE = {
    "registry": {
        "asset:moon": {"name": "Moon", "decimals": "9"},
        "venue:moonex": {"name": "Moon exchange", "kind": "order_book", "adapter": "ccxt_okx"},
        "account:moon-desk": {"venue": "moonex"},
        "market:moon-usdt-moonex": NEW_MARKET,
    },
    "parameters": {"moon-usdt-moonex": VALUES},
}


def rows(**more: Any) -> dict[str, Any]:
    return {"registry": {part.replace("__", ":").replace("_", "-"): words for part, words in more.items()}}


def new_market(**changes: Any) -> dict[str, Any]:
    registry = WHOLE["registry"] | {"market:moon-usdt-moonex": NEW_MARKET | changes}
    return {"registry": registry, "parameters": WHOLE["parameters"]}


def with_another_market(slug: str, symbol: str) -> dict[str, Any]:
    registry = WHOLE["registry"] | {f"market:{slug}": NEW_MARKET | {"venue_symbol": symbol}}
    return {"registry": registry, "parameters": WHOLE["parameters"] | {slug: VALUES}}


def committed() -> None:
    """What the end of a transaction asks is asked here."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def traded(slug: str, desk: Desk) -> None:
    Order.objects.create(
        client_order_id=f"o-{slug}", market=Market.objects.get(slug=slug), side="buy", level=0, epoch=1, price=1, size=1,
        status="LIVE", parameter_version=1, deadline_at=desk.now, created_at=desk.now, updated_at=desk.now,
    )  # fmt: skip


NOT_AT_THE_DOOR: tuple[tuple[Any, str], ...] = (
    (rows(asset__dct={"name": "Dynamic Capital Token"}), "no_change"),
    (rows(asset__dct={"name": ""}), "invalid"),
    (rows(asset__dct={"name": "a\x00b"}), "invalid"),
    (rows(asset__dct={"name": "x" * 81}), "invalid"),
    (rows(asset__dct={"name": 7}), "invalid"),
    (rows(asset__dct={"decimals": "37"}), "invalid"),
    (rows(asset__dct={"decimals": "-1"}), "invalid"),
    (rows(asset__dct={"chain_address": "<script>"}), "invalid"),
    (rows(asset__dct={"id": "other"}), "bad_change"),
    (rows(asset__dct={"version": "9"}), "bad_change"),
    (rows(asset__dct=[["name", "x"]]), "bad_change"),
    (rows(asset__new={"name": "New"}), "invalid"),  # its decimals are not said
    (rows(venue__dex={"adapter": "os"}), "invalid"),
    (rows(venue__dex={"kind": "casino"}), "invalid"),
    (rows(account__dex_desk={"venue": "nowhere"}), "invalid"),
    (rows(market__dct_usdt_dex={"base": "usdt"}), "invalid"),
    (rows(market__dct_usdt_dex={"lot_size": "0"}), "invalid"),
    (rows(market__dct_usdt_dex={"lot_size": "NaN"}), "invalid"),
    (rows(market__dct_usdt_dex={"lot_size": "1e3"}), "invalid"),
    (rows(market__dct_usdt_dex={"contract_value": "2"}), "invalid"),  # spot
    (rows(market__dct_usdt_dex={"is_active": True}), "invalid"),
    (rows(market__dct_usdt_dex={"is_active": "yes"}), "invalid"),
    (rows(market__gram_usdt_cex={"venue_symbol": "ETH-USDT-SWAP"}), "invalid"),  # taken
    (rows(nothing__x={"name": "x"}), "unknown_row"),
    (rows(market__X={"name": "x"}), "unknown_row"),
    ({"registry": {"market:a\x00b": {}}}, "unknown_row"),
    (new_market(lot_size="-1"), "invalid"),
    (new_market(base="usdt"), "invalid"),
    (new_market(account="nobody"), "invalid"),
    (with_another_market("desk", "DESK-USDT"), "invalid"),  # the scope of all markets
    (with_another_market("moon-again", "MOON-USDT"), "invalid"),  # the symbol of the other one
    (WHOLE | {"parameters": {}}, "bad_change"),
    (WHOLE | {"parameters": {"moon-usdt-moonex": VALUES, DEX: VALUES}}, "bad_change"),
    (WHOLE | {"parameters": {"moon-usdt-moonex": VALUES | {"gamma": "NaN"}}}, "invalid"),
    (WHOLE | {"parameters": {"moon-usdt-moonex": {"gamma": "1"}}}, "invalid"),
    (WHOLE | {"parameters": {"moon-usdt-moonex": VALUES | {"gamma": 1.0}}}, "bad_change"),
    (LABEL | {"parameters": {DEX: VALUES}}, "bad_change"),
    (LABEL | {"authorised_by": "genesis"}, "bad_change"),
    ({"registry": {}}, "bad_change"),
    (None, "bad_change"),
)


def test_what_can_be_no_registry_is_refused_at_the_door(desk: Desk) -> None:
    for change, code in NOT_AT_THE_DOOR:
        refused(code, desk.propose, change, kind="registry")
    assert not Proposal.objects.exists()


JUDGED: tuple[tuple[Any, str, str | None], ...] = (
    (LABEL, "neutral", "market:dct-usdt-dex:source_label:label"),
    (rows(venue__dex={"name": "DEX"}), "neutral", "venue:dex:name:label"),
    (OFF, "reducing", "market:dct-usdt-dex:is_active:switched_off"),
    (ON, "increasing", "market:eth-usdt-perp:is_active:switched_on"),
    (SYMBOL, "strictest", "market:gram-usdt-cex:venue_symbol:moves_money"),
    (rows(asset__dct={"decimals": "8"}), "strictest", "asset:dct:decimals:moves_money"),
    (rows(venue__dex={"adapter": "ccxt_okx"}), "strictest", "venue:dex:adapter:moves_money"),
    (rows(asset__new={"name": "New", "decimals": "9"}), "strictest", "asset:new::new_row"),
    (
        rows(market__dct_usdt_dex={"demanded_gates": "disclosures"}),
        "reducing",
        "market:dct-usdt-dex:demanded_gates:demands_gate",
    ),
    (rows(market__dct_usdt_dex={"demanded_gates": "disclosures", "source_label": "x"}), "neutral", None),
    (rows(market__dct_usdt_dex={"is_active": "false", "source_label": "x"}), "neutral", None),
)


def test_how_it_is_judged(desk: Desk) -> None:
    for change, risk_class, reason in JUDGED:
        made = desk.propose(change, kind="registry")
        assert made.risk_class == risk_class
        if reason is not None:
            assert made.risk_reasons == [reason]
            assert risk_reason(reason) != reason


def test_what_is_not_understood_of_the_registry_is_the_strictest() -> None:
    known = {"market:x": {"is_active": "false"}}
    for change in ({}, {"registry": {}}, {"registry": {"market:y": {}}}, {"registry": {"market:x": {"lot": "1"}}}):
        assert assess_registry(change, known, {"market": set()}).risk_class == "strictest"


def test_a_label_needs_one_other(desk: Desk) -> None:
    made = desk.in_review(LABEL, kind="registry")
    assert desk.vote(made, "anna").state == "APPLIED"
    row = Market.objects.get(slug=DEX)
    assert (row.source_label, row.version, row.authorised_by) == ("Recorded market", 2, f"proposal:{made.pk}")
    told = Event.objects.get(type="registry.applied").payload
    assert (told["row"], told["changed"]["source_label"]["to"]) == ("market:dct-usdt-dex", "Recorded market")
    (row_of_diff,) = proposal_story(made.pk, desk.now).diff
    assert row_of_diff.before.startswith("Recorded market, rescaled") and row_of_diff.after == "Recorded market"


def test_a_market_goes_off_at_once_and_on_by_two_others(desk: Desk) -> None:
    off = desk.propose(OFF, kind="registry", apply_at_once=True)
    committed()
    assert (off.state, Market.objects.get(slug=DEX).is_active) == ("APPLIED", False)
    assert DEX not in load_rules().markets
    back = {"registry": {"market:dct-usdt-dex": {"is_active": "true"}}}
    refused("needs_review", desk.propose, back, kind="registry", apply_at_once=True)
    made = desk.approved(back, kind="registry")
    desk.review(off, "cara")
    desk.forward(hours=1)
    assert desk.apply(made).state == "APPLIED"
    assert DEX in load_rules().markets


def test_a_market_off_whose_review_is_overdue_stays_off(desk: Desk) -> None:
    desk.propose(OFF, kind="registry", apply_at_once=True)
    draft = desk.propose({"registry": {"market:dct-usdt-dex": {"is_active": "true"}}}, kind="registry")
    desk.forward(hours=24)
    refused("review_overdue", desk.submit, draft)


def test_what_was_traded_keeps_what_it_was_counted_with(desk: Desk) -> None:
    late = desk.approved(SYMBOL, kind="registry")
    traded(CEX, desk)
    for word, value in (("venue_symbol", "X"), ("lot_size", "2"), ("account", "dex-desk"), ("base", "dct"), ("quote", "eth"),
                        ("instrument", "linear_perpetual"), ("contract_value", "1.5")):  # fmt: skip
        change = rows(market__gram_usdt_cex={word: value})
        refused("invalid" if word == "contract_value" else "was_traded", desk.propose, change, kind="registry")
    refused("was_traded", desk.propose, rows(account__cex_desk={"venue": "dex"}), kind="registry")
    desk.forward(hours=1)
    assert desk.apply(late).state == "FAILED", "it was traded since"
    assert (failure(late), Market.objects.get(slug=CEX).venue_symbol) == ("was_traded", "GRAM-USDT")
    assert desk.propose(rows(market__gram_usdt_cex={"source_label": "x"}), kind="registry").risk_class == "neutral"


def test_a_new_market_comes_with_its_first_parameters_and_halted(desk: Desk) -> None:
    made = desk.approved(WHOLE, kind="registry")
    assert made.base["account:moon-desk"] == {"version": 0, "hash": "", "values": {}}
    assert made.base["asset:usdt"]["version"] == 1, "what it refers to is what was judged"
    desk.forward(hours=1)
    assert desk.apply(made).state == "APPLIED"
    market = Market.objects.get(slug="moon-usdt-moonex")
    assert (market.base_id, market.account.slug, market.account.venue.adapter) == ("moon", "moon-desk", "ccxt_okx")
    first = ParameterSet.objects.get(market=market)
    assert (first.version, first.authorised_by) == (1, f"proposal:{made.pk}")
    assert ParameterSet.history.filter(market=market).count() == 1
    assert TradingControl.objects.get(scope=market.slug).state == "HALTED"
    assert effective_state(market.slug, desk.now)[0].name == "HALTED"
    assert load_rules().parameters[market.slug].problem == ""
    desk.propose({"markets": {market.slug: {"spread_floor_bps": "6"}}}, apply_at_once=True)
    assert in_force(market.slug, "spread_floor_bps") == "6"
    refused("no_change", desk.propose, new_market(), kind="registry")


def test_half_a_market_is_none(desk: Desk) -> None:
    """Its last row is refused: nothing of the others stays."""
    made = desk.approved(WHOLE, kind="registry")
    Market.objects.create(
        slug="other", account_id=VenueAccount.objects.get(slug="dex-desk").pk, base_id="dct", quote_id="usdt",
        venue_symbol="other", lot_size=1,
    )  # fmt: skip
    Venue.objects.filter(slug="dex").update(name="moved")
    Asset.objects.filter(pk="usdt").update(decimals=7, version=2)
    desk.forward(hours=1)
    assert desk.apply(made).state == "FAILED"
    assert failure(made) == "stale"
    assert not Asset.objects.filter(pk="moon").exists() and not Venue.objects.filter(slug="moonex").exists()


def test_of_two_proposals_of_one_new_market_one_fails(desk: Desk) -> None:
    first, second = desk.approved(WHOLE, kind="registry"), desk.approved(new_market(lot_size="5"), kind="registry")
    desk.forward(hours=1)
    assert desk.apply(first).state == "APPLIED"
    assert desk.apply(second).state == "FAILED"
    assert (failure(second), str(Market.objects.get(slug="moon-usdt-moonex").lot_size.normalize())) == ("stale", "1E+2")
