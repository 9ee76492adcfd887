"""What was set aside can be read, and tried again once its cause is gone: by an operator, with a reason, once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.ledger.desk import NOW, D, fill, transfer
from tests.ledger.test_processing import read
from trading.controls.services import Actor, ControlRefused
from trading.hot_state import decisions, inbox, keys
from trading.hot_state.connection import sync_client
from trading.hot_state.values import CursorMove
from trading.ledger.dead_letters import RetryResult, list_letters, read_letter, retry_letter
from trading.ledger.processing import process_batch
from trading.models import Asset, CashMovement, Event, Fill, FillQuarantine, Lock, Position, TradingControl

pytestmark = pytest.mark.usefixtures("committed_desk")
OPERATOR = Actor("7", "Aishath", frozenset({"operator"}))
SLUG = "dct-usdt-dex"


def set_aside(*values: Any) -> None:
    """Through the inbox, as everything comes."""
    for value in values:
        inbox.append_fill(sync_client(), value) if hasattr(value, "trade_id") else inbox.append_transfer(
            sync_client(), value
        )
    process_batch(sync_client(), read(), NOW)


def retry(
    name: str, key: str = "k1", actor: Actor = OPERATOR, reason: str = "the asset is registered now"
) -> RetryResult:
    return retry_letter(name, actor=actor, reason=reason, idempotency_key=key, now=NOW)


def names(prefix: str) -> list[str]:
    return [letter.name for letter in list_letters() if letter.name.startswith(prefix)]


def tried() -> list[dict[str, Any]]:
    return [event.payload for event in Event.objects.filter(type="dead_letter.retried").order_by("id")]


def test_a_fill_whose_asset_was_unknown_is_booked_when_it_is_known() -> None:
    set_aside(fill("1", fee_asset="moon"))
    (name,) = names("quarantine:")
    letter = read_letter(name)
    assert (letter.holds, letter.reason, letter.can_be_retried) == ("fill", "unknown_fee_asset", True)
    assert json.loads(letter.body)["trade_id"] == "1"
    assert len(names("inbox:")) == 1
    assert retry(name, "k1") == RetryResult(name, "refused", "unknown_fee_asset")
    assert (Fill.objects.count(), FillQuarantine.objects.count(), len(list_letters())) == (0, 1, 3 - 1)
    Asset.objects.create(id="moon", name="moon", decimals=9)
    assert retry(name, "k2") == RetryResult(name, "booked", "")
    assert (Fill.objects.count(), Position.objects.get(market__slug=SLUG).q) == (1, D(100))
    assert inbox.hot_inventory_sync(SLUG).q == 100
    assert list_letters() == ()
    row = FillQuarantine.objects.get()
    assert (row.resolved_at, row.resolution) == (NOW, "tried again: the asset is registered now")
    assert [(one["outcome"], one["refused"]) for one in tried()] == [("refused", "unknown_fee_asset"), ("booked", "")]
    assert Event.objects.filter(type="dead_letter.retried").latest("id").actor_name == "Aishath"


def test_the_copy_in_redis_is_as_good_as_the_row_and_a_transfer_as_good_as_a_fill() -> None:
    set_aside(transfer("t1", asset="moon"))
    Asset.objects.create(id="moon", name="moon", decimals=9)
    (name,) = names("inbox:")
    assert read_letter(name).holds == "transfer"
    assert retry(name).outcome in ("transfer_booked", "booked")
    assert CashMovement.objects.get(kind="deposit").key == "t1"
    assert list_letters() == ()


def test_the_same_key_acts_once_and_another_key_finds_nothing() -> None:
    set_aside(fill("1", fee_asset="moon"))
    Asset.objects.create(id="moon", name="moon", decimals=9)
    (name,) = names("quarantine:")
    first = retry(name, "k1")
    again = retry(name, "k1")
    assert (again.repeated, again.outcome, len(tried())) == (True, first.outcome, 1)
    with pytest.raises(ControlRefused) as caught:
        retry(name, "k2")
    assert caught.value.code == "letter_gone"
    with pytest.raises(ControlRefused) as caught:
        retry("quarantine:999", "k1")
    assert caught.value.code == "key_used"


def test_two_at_once_book_one_fill_and_write_one_event() -> None:
    set_aside(fill("1", fee_asset="moon"))
    Asset.objects.create(id="moon", name="moon", decimals=9)
    (name,) = names("quarantine:")

    def attempt(key: str) -> str:
        try:
            return retry(name, key).outcome
        except ControlRefused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(attempt, ["a", "a", "b", "c", "d", "e"]))
    assert outcomes.count("booked") in (1, 2) and set(outcomes) == {"booked", "letter_gone"}
    assert (Fill.objects.count(), Position.objects.get(market__slug=SLUG).q, len(tried())) == (1, D(100), 1)


def test_a_contradiction_stays_set_aside_and_locks_again() -> None:
    for scope in ("desk", SLUG):
        TradingControl.objects.create(scope=scope, state="ACTIVE", changed_at=NOW)
    set_aside(fill("1"))
    set_aside(fill("1", price="0.26"))
    (name,) = names("quarantine:")
    assert retry(name) == RetryResult(name, "refused", "price_conflict")
    assert (Fill.objects.get().price, FillQuarantine.objects.filter(resolved_at__isnull=True).count()) == (D("0.25"), 1)
    assert Lock.objects.get(lifted_at__isnull=True).rule == "fill_conflict"


def test_what_is_no_fill_can_only_be_read() -> None:
    client = sync_client()
    client.xadd(keys.INBOX_STREAM, {b"k": b"fill", b"b": b"\xff\x00junk"})
    client.xadd(keys.INBOX_STREAM, {b"x": b"y"})
    process_batch(client, read(), NOW)
    found = list_letters()
    assert {letter.holds for letter in found} == {"unreadable"} and len(found) == 4
    for letter in found:
        with pytest.raises(ControlRefused) as caught:
            retry(letter.name, f"key-{letter.name}")
        assert caught.value.code == "not_retryable"
    assert tried() == []


def test_a_cursor_is_never_moved_by_hand() -> None:
    """It would skip what lies between."""
    client = sync_client()
    inbox.append_cursor_move(client, CursorMove("dex-desk", "fills", "9"))
    inbox.dead_letter(client, read()[0], "refused")
    (name,) = names("inbox:")
    with pytest.raises(ControlRefused) as caught:
        retry(name)
    assert (read_letter(name).holds, caught.value.code) == ("cursor", "not_retryable")


def test_a_decision_goes_back_into_its_stream_once() -> None:
    client = sync_client()
    decisions.ensure_group(client)
    entry = client.xadd(keys.DECISION_STREAM, {b"d": b"a decision"}).decode()
    decisions.set_aside(client, entry, b"a decision", "DataError")
    (name,) = names("decision:")
    assert (read_letter(name).body, retry(name).outcome) == ("a decision", "queued")
    assert [fields for _, fields in client.xrange(keys.DECISION_STREAM)] == [{b"d": b"a decision"}]
    with pytest.raises(ControlRefused):
        retry(name, "k2")
    assert len(tried()) == 1


@pytest.mark.parametrize(
    ("actor", "reason", "key", "code"),
    [
        (Actor("8", "Ibrahim", frozenset({"approver", "auditor"})), "a reason", "k", "not_operator"),
        (OPERATOR, " ", "k", "no_reason"),
        (OPERATOR, "a reason", "", "bad_key"),
    ],
)
def test_it_takes_an_operator_a_reason_and_a_key(actor: Actor, reason: str, key: str, code: str) -> None:
    set_aside(fill("1", fee_asset="moon"))
    with pytest.raises(ControlRefused) as caught:
        retry(names("quarantine:")[0], key, actor, reason)
    assert (caught.value.code, tried()) == (code, [])


@pytest.mark.parametrize(
    "name", ["", "x", "quarantine:0", "inbox:-", "inbox:1-1", "decision:9-9", "quarantine:1;", "inbox:+"]
)
def test_a_name_that_nothing_has(name: str) -> None:
    with pytest.raises(ControlRefused) as caught:
        read_letter(name)
    assert caught.value.code == "letter_gone"


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("dead_letters", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_lists_shows_and_retries() -> None:
    assert command("list") == "nothing is set aside\n"
    set_aside(fill("1", fee_asset="moon"))
    rows = json.loads(command("list", "--json"))
    name = next(row["name"] for row in rows if row["name"].startswith("quarantine:"))
    assert name in command("list") and '"trade_id": "1"' in command("show", name)
    with pytest.raises(CommandError, match="set aside as before"):
        command("retry", name, "--reason", "too early")
    Asset.objects.create(id="moon", name="moon", decimals=9)
    assert command("retry", name, "--reason", "registered") == f"{name}: booked\n"
    with pytest.raises(CommandError, match="reason"):
        command("retry", name)
    with pytest.raises(CommandError, match="Give the name"):
        command("show")
