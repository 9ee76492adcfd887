"""What nothing explains is booked by two people, by exactly what the latest comparison left over, once."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from governance.access.roles import Role
from tests.ledger.desk import NOW, NOW_NS, transfer, view
from tests.ledger.venue_setting import setting
from tests.pages import stage
from trading.controls.commands import Actor, ControlRefused
from trading.hot_state import inbox, keys
from trading.hot_state.codec import encode
from trading.hot_state.connection import sync_client
from trading.hot_state.inbox import InboxEntry
from trading.ledger.adjustments import AdjustmentResult, adjust
from trading.ledger.services import apply_batch
from trading.models import CashBalance, CashMovement, Event, Lock, Position, ReconciliationReport, VenueAccount

OLGA = Actor("1", "Olga", frozenset({"operator"}))
ANNA = Actor("2", "Anna", frozenset({"approver"}))
BOTH = Actor("3", "Both", frozenset({"operator", "approver"}))


def report(rest: str, asset: str = "usdt", *, unexplained: bool = True, at: Any = NOW) -> None:
    ReconciliationReport.objects.create(
        account=VenueAccount.objects.get(slug="dex-desk"), at=at, trigger="test", equal=False, duration_ms=1,
        differences=[{"kind": "balance_differs", "subject": asset, "rest": rest, "unexplained": unexplained}],
    )  # fmt: skip


def book(asset: str = "usdt", amount: str = "-7.5", key: str = "k1", **changes: Any) -> AdjustmentResult:
    given: dict[str, Any] = {"operator": OLGA, "approver": ANNA, "reason": "a fee of the venue", "now": NOW} | changes
    return adjust("dex-desk", asset, D(amount), idempotency_key=key, **given)


def balance(asset: str) -> D:
    return CashBalance.objects.get(account__slug="dex-desk", asset_id=asset).amount


@pytest.fixture
def funded(desk: None) -> None:
    """1000 USDT and 40 DCT on the account, the latter at a price of 0.25."""
    sync_client().set(keys.market_view("dct-usdt-dex"), encode(view("dct-usdt-dex", "0.25")))
    apply_batch([InboxEntry("1-0", transfer()), InboxEntry("2-0", transfer("t2", "dct", "40"))], NOW)


def test_it_moves_the_balance_and_says_who_and_why(funded: None) -> None:
    report("-7.5")
    result = book()
    assert (result.amount, result.repeated, balance("usdt")) == ("-7.5", False, D("992.5"))
    (moved,) = CashMovement.objects.filter(kind="adjustment")
    assert (moved.key, moved.amount, moved.market_id) == (result.key, D("-7.5"), None)
    event = Event.objects.get(type="adjustment.booked")
    assert (event.aggregate, event.actor_name, event.payload["approver"]) == ("account:dex-desk", "Olga", "Anna")
    assert (event.payload["amount"], event.payload["reason"]) == ("-7.5", "a fee of the venue")


def test_a_base_asset_enters_the_position_at_the_price_of_now(funded: None) -> None:
    report("2", "dct")
    book("dct", "2")
    position = Position.objects.get()
    assert (position.q, position.cost_basis, position.realised) == (42, D("10.5"), 0)
    assert balance("dct") == 42
    assert inbox.hot_inventory_sync("dct-usdt-dex").q == 42


def test_without_a_price_a_base_asset_waits(funded: None) -> None:
    sync_client().set(keys.market_view("dct-usdt-dex"), encode(view("dct-usdt-dex", None)))
    report("2", "dct")
    with pytest.raises(ControlRefused) as refused:
        book("dct", "2")
    assert (refused.value.code, balance("dct"), Position.objects.get().q) == ("no_rate", 40, 40)


def test_the_same_key_does_it_once_and_another_key_not_again(funded: None) -> None:
    report("-7.5")
    first, again = book(), book()
    assert (again.key, again.repeated) == (first.key, True)
    with pytest.raises(ControlRefused) as refused:
        book(key="k2")
    assert (refused.value.code, balance("usdt")) == ("already_adjusted", D("992.5"))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"operator": BOTH, "approver": BOTH}, "same_person"),
        ({"operator": ANNA}, "not_operator"),
        ({"approver": OLGA}, "not_approver"),
        ({"reason": " "}, "no_reason"),
        ({"key": ""}, "bad_key"),
        ({"amount": "-7.4"}, "not_unexplained"),
        ({"amount": "7.5"}, "not_unexplained"),
        ({"asset": "dct"}, "not_unexplained"),
        ({"now": NOW + timedelta(minutes=6)}, "no_report"),
    ],
)
def test_it_is_refused(funded: None, given: dict[str, Any], code: str) -> None:
    report("-7.5")
    with pytest.raises(ControlRefused) as refused:
        book(**given)
    assert (refused.value.code, balance("usdt")) == (code, 1000)


def test_what_may_explain_itself_is_not_adjusted(funded: None) -> None:
    report("-7.5", unexplained=False)
    with pytest.raises(ControlRefused) as refused:
        book()
    assert refused.value.code == "not_unexplained"


def test_without_a_comparison_there_is_nothing_to_adjust(funded: None) -> None:
    with pytest.raises(ControlRefused) as refused:
        book()
    assert refused.value.code == "no_report"


async def test_after_it_both_sides_agree(demo: None) -> None:
    async with setting() as here:
        await here.catch_up()
        CashBalance.objects.filter(account__slug=here.account, asset_id="usdt").update(amount=D("99992.5"))
        await here.reconcile()
        book(amount="7.5", now=here.now())
        report_after = await here.reconcile()
        assert report_after.equal, report_after.differences
        assert Lock.objects.get().lifted_at is None  # two people lift it


def test_the_command_needs_both_passwords(funded: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr("trading.management.commands.adjust.SystemClock", lambda: AtNow())
    olga = stage.enrol(stage.person("olga", Role.OPERATOR, password=stage.PASSWORD))
    anna = stage.enrol(stage.person("anna", Role.APPROVER, password=stage.PASSWORD))
    report("-7.5")

    def run(*passwords: str) -> str:
        codes = (stage.next_code(olga), stage.next_code(anna))
        lines = [line for pair in zip(passwords, codes, strict=True) for line in pair]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
        out = io.StringIO()
        call_command(
            "adjust", "dex-desk", "usdt", "--reason=fee", "--as=olga", "--confirmed-by=anna", "--", "-7.5", stdout=out
        )
        return out.getvalue()

    with pytest.raises(CommandError, match="wrong"):
        run(stage.PASSWORD, "guessed")
    assert "-7.5 usdt booked" in run(stage.PASSWORD, stage.PASSWORD)
    assert balance("usdt") == D("992.5")


class AtNow:
    """The clock of the test's data."""

    def now_ns(self) -> int:
        return NOW_NS
