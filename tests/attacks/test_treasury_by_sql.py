"""The treasury, attacked in SQL with the application's own password, and by the owner's own slips: made-up rows beside real ones,
two buybacks within four hours, caps, history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from django.db import connections

from tests.review.clock import database_time_kept, owner, set_database_time
from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.treasury import as_owner
from trading.models import (
    BuybackProgramme,
    Market,
    RewardEpoch,
    TreasuryDeclaration,
    TreasuryWallet,
)
from trading.registry.services import declare_demo_desk

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BUYBACK = (
    "INSERT INTO buybacks (programme_id, at, outcome, reason, venue, reference_price, most_cost, size, price, cost, reference,"
    " settled_at, is_demo) VALUES (%(programme)s, %(at)s, %(outcome)s, %(reason)s, 'dex', %(bid)s, %(most)s, %(size)s, %(price)s,"
    " %(cost)s, %(reference)s, %(settled)s, %(demo)s)"
)
REWARD = (
    "INSERT INTO reward_payouts (epoch_id, participant, uptime_share, depth_quote, tightness_share, adverse_selection_quote,"
    " score, amount, paid_at, reference, is_demo) VALUES (%s, %s, 1, 1, 1, 0, 1, %s, %s, 'tx', false)"
)
SETTLE = (
    "UPDATE buybacks SET outcome = 'executed', size = %(size)s, price = %(price)s, cost = %(cost)s, reference = %(reference)s,"
    " settled_at = %(settled)s"
)
BALANCE = (
    "INSERT INTO treasury_balances (wallet_id, asset_id, amount, observed_at, source, is_demo)"
    " SELECT id, 'dct', %s, %s, 'chain', %s FROM treasury_wallets"
)
pytestmark = pytest.mark.attacks(
    "treasury_declaration.*", "treasury_wallets.*", "buyback_programmes.*", "reward_epochs.*"
)


def _real() -> None:
    declare_demo_desk(T0)
    TreasuryDeclaration.objects.create(is_demo=False, declared_at=T0)
    wallet = TreasuryWallet.objects.create(
        slug="main", label="Main", address=f"0:{'ab' * 32}", network="ton-mainnet", purpose="buybacks", is_demo=False,
        registered_at=T0,
    )  # fmt: skip
    terms: dict[str, Any] = {
        "market": Market.objects.get(slug="dct-usdt-dex"), "wallet": wallet, "execution_cap_quote": 100, "day_cap_quote": 250,
        "total_cap_quote": 400, "interval_s": 14_400, "starts_at": T0, "ends_at": T0 + timedelta(days=30), "is_demo": False,
    }  # fmt: skip
    BuybackProgramme.objects.create(slug="first", purpose="p", status="active", **terms)
    BuybackProgramme.objects.create(slug="second", purpose="p", status="active", **terms)
    BuybackProgramme.objects.create(slug="paused", purpose="p", status="paused", **terms)
    BuybackProgramme.objects.create(slug="slow", purpose="p", status="active", **(terms | {"interval_s": 36_000}))
    for number, computed in ((1, T0), (2, None)):
        RewardEpoch.objects.create(
            number=number, starts_at=T0 - timedelta(days=9), ends_at=T0 - timedelta(days=2), asset_id="dct", cap=100, budget=90,
            computed_at=computed, is_demo=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def committed_real(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), database_time_kept():
        with as_owner():
            _real()
        yield
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


class Attacker:
    """The application's password, a connection of its own; everything is taken back at the end of the test."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        found = connection.execute("SELECT slug, id FROM buyback_programmes").fetchall()
        self.programmes = dict(found)
        self.epochs = dict(connection.execute("SELECT number, id FROM reward_epochs").fetchall())

    def refused(self, statement: LiteralString, values: Any = None) -> str:
        try:
            with self.connection.transaction():
                self.connection.execute(statement, values)
        except psycopg.Error as problem:
            return str(problem).split("\n")[0]
        raise AssertionError(f"not refused: {statement} {values}")

    def buyback(self, at: datetime, programme: str = "first", **more: Any) -> dict[str, Any]:
        row = {
            "programme": self.programmes[programme], "at": at, "outcome": "submitted", "reason": "", "bid": "0.25", "most": 100,
            "size": None, "price": None, "cost": None, "reference": "", "settled": None, "demo": False,
        }  # fmt: skip
        return row | more

    def settled(self, **more: Any) -> dict[str, Any]:
        return {"size": 400, "price": "0.24", "cost": "96.1", "reference": "tx", "settled": T0} | more

    def at(self, moment: datetime) -> datetime:
        """The database's clock says so from now on."""
        with self.connection.transaction(force_rollback=True):
            # An open transaction hears of a replaced function when it locks a table anew.
            set_database_time(moment)
            self.connection.execute("SELECT 1 FROM django_migrations LIMIT 1")
        return moment

    @contextmanager
    def owner(self) -> Iterator[psycopg.Connection[Any]]:
        """The owner's connection, for its slips: nothing of ours is open beside it, and nothing of it stays."""
        self.connection.rollback()
        with owner() as one, one.transaction(force_rollback=True):
            yield one


@pytest.fixture
def attacker(committed_real: None) -> Iterator[Attacker]:
    set_database_time(T0)
    with psycopg.connect(SERVERS.database_url(DATABASE_NAME)) as connection:
        found = Attacker(connection)
        yield found
        connection.rollback()


def test_the_legitimate_way_is_open(attacker: Attacker) -> None:
    run = attacker.connection.execute
    run(BUYBACK, attacker.buyback(T0))
    run(SETTLE, attacker.settled())
    run(BUYBACK, attacker.buyback(T0, outcome="skipped", reason="blackout", most=None, settled=T0))
    run(REWARD, [attacker.epochs[1], "0:aa", 60, T0])
    run(REWARD, [attacker.epochs[1], "0:bb", 30, T0])
    run(BALANCE, [7, T0, False])


@pytest.mark.parametrize("table", ["treasury_declaration", "treasury_wallets", "buyback_programmes", "reward_epochs"])
def test_what_people_decide_the_application_only_reads(attacker: Attacker, table: LiteralString) -> None:
    """There is no governed way yet, so there is none at all."""
    columns = attacker.connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s", [table]
    ).fetchall()
    assert len(columns) >= 3
    for (column,) in columns:
        assert "permission denied" in attacker.refused(f"UPDATE {table} SET {column} = {column}")
    for statement in (
        f"INSERT INTO {table} SELECT * FROM {table}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE",
    ):  # fmt: skip
        assert "permission denied" in attacker.refused(statement)
    assert "must be owner" in attacker.refused(f"ALTER TABLE {table} DISABLE TRIGGER ALL")


def test_made_up_rows_never_stand_beside_real_ones(attacker: Attacker) -> None:
    assert "as_declared" in attacker.refused(BALANCE, [1, T0, True])
    assert "as_declared" in attacker.refused(
        BUYBACK, attacker.buyback(T0, outcome="skipped", reason="blackout", most=None, settled=T0, demo=True)
    )
    with attacker.owner() as one:
        for statement in (
            "INSERT INTO treasury_declaration VALUES (2, true, now())",
            "INSERT INTO treasury_declaration VALUES (1, true, now())",
            "UPDATE treasury_declaration SET is_demo = true",
            "DELETE FROM treasury_declaration",
            "TRUNCATE treasury_declaration CASCADE",
            "UPDATE treasury_wallets SET is_demo = true, network = 'demonstration'",
            "INSERT INTO treasury_wallets (slug, label, address, network, purpose, is_demo, registered_at)"
            f" VALUES ('x', 'x', '0:{'cd' * 32}', 'demonstration', 'reserve', true, now())",
        ):  # fmt: skip
            with pytest.raises(psycopg.IntegrityError), one.transaction():
                one.execute(statement)


def test_made_up_rows_are_first_rows(attacker: Attacker) -> None:
    """Once genesis is closed nobody makes more of them up, whoever they are."""
    with attacker.owner() as one:
        one.execute("UPDATE governance_genesis SET is_open = false")
        for statement in (
            "INSERT INTO treasury_declaration VALUES (1, true, now())",
            "INSERT INTO treasury_balances (wallet_id, asset_id, amount, observed_at, source, is_demo)"
            " SELECT id, 'dct', 1, now(), 'x', true FROM treasury_wallets",
        ):  # fmt: skip
            with pytest.raises(psycopg.IntegrityError, match="while genesis is open"), one.transaction():
                one.execute(statement)


@pytest.mark.parametrize("slug", ["first", "second"])
def test_four_hours_lie_between_two(attacker: Attacker, slug: str) -> None:
    """Also between those of two programmes; exactly four hours are enough."""
    attacker.connection.execute(BUYBACK, attacker.buyback(T0))
    for ahead in (timedelta(0), timedelta(hours=3, minutes=59, seconds=59, microseconds=999_999)):
        at = attacker.at(T0 + ahead)
        told = attacker.refused(BUYBACK, attacker.buyback(at, slug))
        assert "waits 14400 s between two" in told if slug == "first" else "buybacks_four_hours_apart" in told
    attacker.connection.execute(BUYBACK, attacker.buyback(attacker.at(T0 + timedelta(hours=4)), slug))


def test_a_slower_programme_keeps_its_own_distance(attacker: Attacker) -> None:
    attacker.connection.execute(BUYBACK, attacker.buyback(T0, "slow"))
    at = attacker.at(T0 + timedelta(hours=9, minutes=59))
    assert "waits 36000 s" in attacker.refused(BUYBACK, attacker.buyback(at, "slow"))
    attacker.connection.execute(BUYBACK, attacker.buyback(attacker.at(T0 + timedelta(hours=10)), "slow"))


def test_a_time_of_ones_own_is_refused(attacker: Attacker) -> None:
    for off in (timedelta(hours=-4), timedelta(seconds=-61), timedelta(seconds=61), timedelta(days=1)):
        assert "written at its time" in attacker.refused(BUYBACK, attacker.buyback(T0 + off))
    bought = {"size": 4, "price": "0.2", "cost": 1, "reference": "tx", "settled": T0, "outcome": "executed"}
    assert "before its order is sent" in attacker.refused(BUYBACK, attacker.buyback(T0, **bought))
    assert "does not run" in attacker.refused(BUYBACK, attacker.buyback(T0, "paused"))
    assert "does not run" in attacker.refused(BUYBACK, attacker.buyback(attacker.at(T0 + timedelta(days=30))))


def test_caps_are_kept(attacker: Attacker) -> None:
    run = attacker.connection.execute
    assert "a cap of programme" in attacker.refused(BUYBACK, attacker.buyback(T0, most="100.000001"))
    for turn in range(2):
        run(BUYBACK, attacker.buyback(attacker.at(T0 + timedelta(hours=4 * turn))))
    # Any 24 hours: 250, of which 200 are claimed.
    at = attacker.at(T0 + timedelta(hours=8))
    assert "a cap of programme" in attacker.refused(BUYBACK, attacker.buyback(at, most="50.01"))
    run(BUYBACK, attacker.buyback(at, most=50))
    at = attacker.at(T0 + timedelta(hours=33))
    run(BUYBACK, attacker.buyback(at))
    # The programme: 400, of which 350 are claimed.
    at = attacker.at(T0 + timedelta(hours=60))
    assert "a cap of programme" in attacker.refused(BUYBACK, attacker.buyback(at, most=51))
    run(BUYBACK, attacker.buyback(at, most=50))


def test_what_was_asked_never_changes_and_is_settled_once(attacker: Attacker) -> None:
    attacker.connection.execute(BUYBACK, attacker.buyback(T0))
    for statement in (
        "UPDATE buybacks SET at = at - interval '4 hours'", "UPDATE buybacks SET most_cost = 1",
        "UPDATE buybacks SET is_demo = true", "DELETE FROM buybacks", "TRUNCATE buybacks",
        "UPDATE treasury_balances SET amount = 1", "DELETE FROM treasury_balances",
        "UPDATE reward_payouts SET amount = 1", "DELETE FROM reward_payouts",
    ):  # fmt: skip
        assert "permission denied" in attacker.refused(statement)
    for more in ({"price": "0.26", "size": 300}, {"cost": "100.1"}):
        assert "cost more than it might" in attacker.refused(SETTLE, attacker.settled(**more))
    assert "buyback_is_whole" in attacker.refused(SETTLE, attacker.settled(reference=""))
    assert "is settled once" in attacker.refused(
        "UPDATE buybacks SET outcome = 'skipped', reason = 'blackout', settled_at = now()"
    )
    attacker.connection.execute("UPDATE buybacks SET outcome = 'failed', reason = 'no_fill', settled_at = %s", [T0])
    for statement in ("UPDATE buybacks SET reason = 'x'", "UPDATE buybacks SET outcome = 'executed'"):
        assert "is settled once" in attacker.refused(statement)
    # Nothing was bought: the next one does not wait.
    attacker.connection.execute(BUYBACK, attacker.buyback(T0))


@pytest.mark.parametrize("nothing", [None, "NaN"])
def test_what_is_not_there_or_no_number_passes_no_guard(attacker: Attacker, nothing: str | None) -> None:
    """A check that comes to "unknown" lets pass, and NaN is larger than every number."""
    for name in ("bid", "most"):
        assert "buyback" in attacker.refused(BUYBACK, attacker.buyback(T0, **{name: nothing}))
    if nothing:
        skipped = {"outcome": "skipped", "reason": "blackout", "settled": T0}
        for name in ("bid", "most"):
            assert "are_numbers" in attacker.refused(BUYBACK, attacker.buyback(T0, **(skipped | {name: nothing})))
        assert "treasury_balance_not_negative" in attacker.refused(BALANCE, [nothing, T0, False])
        assert "budget of epoch 1" in attacker.refused(REWARD, [attacker.epochs[1], "0:aa", nothing, T0])
        for column in ("uptime_share", "depth_quote", "tightness_share", "adverse_selection_quote", "score"):
            values = {
                "uptime_share": 1,
                "depth_quote": 1,
                "tightness_share": 1,
                "adverse_selection_quote": 0,
                "score": 1,
            }
            assert "reward_payout_sound" in attacker.refused(
                "INSERT INTO reward_payouts (epoch_id, participant, uptime_share, depth_quote, tightness_share,"
                " adverse_selection_quote, score, amount, paid_at, reference, is_demo)"
                " VALUES (%s, '0:aa', %s, %s, %s, %s, %s, 1, %s, 'tx', false)",
                [attacker.epochs[1], *(values | {column: nothing}).values(), T0],
            )
    attacker.connection.execute(BUYBACK, attacker.buyback(T0))
    for name in ("size", "price", "cost"):
        assert "buyback" in attacker.refused(SETTLE, attacker.settled(**{name: nothing}))
    assert attacker.connection.execute("SELECT outcome, size FROM buybacks").fetchall() == [("submitted", None)]


@pytest.mark.parametrize("nothing", ["NULL", "'NaN'"])
def test_the_rows_checks_do_not_rest_on_the_triggers(attacker: Attacker, nothing: LiteralString) -> None:
    with attacker.owner() as one:
        for table in ("buybacks", "reward_epochs", "reward_payouts", "buyback_programmes"):
            one.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        one.execute(BUYBACK, attacker.buyback(T0))
        one.execute(SETTLE, attacker.settled())
        for statement in (
            f"UPDATE buybacks SET reference_price = {nothing}", f"UPDATE buybacks SET most_cost = {nothing}",
            f"UPDATE buybacks SET size = {nothing}", f"UPDATE buybacks SET price = {nothing}",
            f"UPDATE buybacks SET cost = {nothing}", "UPDATE buybacks SET settled_at = NULL",
            f"UPDATE buyback_programmes SET total_cap_quote = {nothing}",
            f"UPDATE buyback_programmes SET volume_share = {nothing}", f"UPDATE reward_epochs SET cap = {nothing}",
            f"UPDATE reward_epochs SET budget = {nothing}, cap = {nothing}",
        ):  # fmt: skip
            with pytest.raises(psycopg.IntegrityError), one.transaction():
                one.execute(statement)


def test_a_turn_is_settled_after_it_began_and_not_in_the_future(attacker: Attacker) -> None:
    late, early = T0 + timedelta(seconds=61), T0 - timedelta(microseconds=1)
    for off in (late, early, None):
        skipped = attacker.buyback(T0, outcome="skipped", reason="blackout", most=None, settled=off)
        assert "settled after it began" in attacker.refused(BUYBACK, skipped)
    attacker.connection.execute(BUYBACK, attacker.buyback(T0))
    failed: LiteralString = "UPDATE buybacks SET outcome = 'failed', reason = 'no_fill', settled_at = %s"
    for off in (late, early, None, "infinity"):
        assert "settled after it began" in attacker.refused(SETTLE, attacker.settled(settled=off))
        assert "settled after it began" in attacker.refused(failed, [off])
    attacker.connection.execute(SETTLE, attacker.settled(settled=T0 + timedelta(seconds=60)))


def test_what_was_paid_covers_what_was_bought(attacker: Attacker) -> None:
    """400 at 0.24 are 96: less is a wrong price or a wrong sum, except for what rounding takes."""
    attacker.connection.execute(BUYBACK, attacker.buyback(T0))
    for cost in ("1", "95.99", "95.9999"):
        assert "buyback_is_whole" in attacker.refused(SETTLE, attacker.settled(cost=cost))
    attacker.connection.execute(SETTLE, attacker.settled(cost="95.99991"))


def test_a_balance_is_not_observed_in_the_future(attacker: Attacker) -> None:
    for off in (T0 + timedelta(seconds=61), "infinity", "-infinity", "0001-01-01"):
        assert "after it was observed" in attacker.refused(BALANCE, [1, off, False])
    attacker.connection.execute(BALANCE, [1, T0 + timedelta(seconds=60), False])


def test_the_owners_own_slips_are_stopped(attacker: Attacker) -> None:
    with attacker.owner() as one:
        one.execute(BALANCE, [1, T0, False])
        one.execute(BUYBACK, attacker.buyback(T0))
        one.execute(REWARD, [attacker.epochs[1], "0:aa", 60, T0])
        one.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in (
            "UPDATE treasury_balances SET amount = 2", "DELETE FROM treasury_balances", "DELETE FROM treasury_wallets",
            f"UPDATE treasury_wallets SET address = '0:{'cd' * 32}'", "UPDATE buybacks SET most_cost = 1", "DELETE FROM buybacks",
            "DELETE FROM buyback_programmes", "UPDATE buyback_programmes SET interval_s = 14399",
            "UPDATE buyback_programmes SET volume_share = 0.26", "UPDATE buyback_programmes SET slug = slug || 'x'",
            "UPDATE reward_payouts SET amount = 2", "DELETE FROM reward_payouts", "DELETE FROM reward_epochs",
            "UPDATE reward_epochs SET budget = 59 WHERE number = 1", "UPDATE reward_epochs SET budget = 101",
            "UPDATE reward_epochs SET ends_at = ends_at + interval '1 day'", "TRUNCATE reward_payouts", "TRUNCATE buybacks",
        ):  # fmt: skip
            with pytest.raises(psycopg.IntegrityError), one.transaction():
                one.execute(statement)


def test_the_distance_does_not_rest_on_the_trigger_alone(attacker: Attacker) -> None:
    with attacker.owner() as one:
        one.execute("ALTER TABLE buybacks DISABLE TRIGGER buybacks_begin")
        one.execute(BUYBACK, attacker.buyback(T0))
        with pytest.raises(psycopg.errors.ExclusionViolation), one.transaction():
            one.execute(BUYBACK, attacker.buyback(T0 + timedelta(hours=3), "second"))
