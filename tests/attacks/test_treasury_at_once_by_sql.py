"""Rewards beyond their budget, other isolation levels, and several at once: the treasury's tables attacked in SQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any, LiteralString

import psycopg

from tests.attacks.test_treasury_by_sql import BUYBACK, REWARD, T0, Attacker, attacker, committed_real
from tests.review.clock import set_database_time
from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.treasury import as_owner
from trading.models import (
    Buyback,
    RewardPayout,
    TreasuryBalance,
)

__all__ = ["attacker", "committed_real"]


def test_rewards_keep_their_epochs_budget(attacker: Attacker) -> None:
    epoch, run = attacker.epochs[1], attacker.connection.execute
    assert "budget of epoch 1" in attacker.refused(REWARD, [epoch, "0:aa", "90.000001", T0])
    run(REWARD, [epoch, "0:aa", 60, T0])
    assert "budget of epoch 1" in attacker.refused(REWARD, [epoch, "0:bb", 31, T0])
    assert "reward_payout_once" in attacker.refused(REWARD, [epoch, "0:aa", 1, T0])
    assert "over and computed" in attacker.refused(REWARD, [attacker.epochs[2], "0:aa", 1, T0])
    assert "over and computed" in attacker.refused(REWARD, [epoch, "0:bb", 1, T0 - timedelta(days=3)])
    assert "over and computed" in attacker.refused(REWARD, [epoch, "0:bb", 1, T0 + timedelta(minutes=2)])
    assert "reward_payout_sound" in attacker.refused(REWARD, [epoch, "0:bb", -5, T0])


def test_an_isolation_level_that_does_not_see_the_others_is_refused(attacker: Attacker) -> None:
    for level in (psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE):
        with psycopg.connect(SERVERS.database_url(DATABASE_NAME)) as connection:
            connection.isolation_level = level
            other = Attacker(connection)
            assert "read committed" in other.refused(BUYBACK, other.buyback(T0))
            assert "read committed" in other.refused(REWARD, [other.epochs[1], "0:aa", 1, T0])
            connection.rollback()


def _at_once(statements: list[tuple[LiteralString, Any]]) -> list[str]:
    """What came of each, written on connections of their own at once and committed: "done" or the name of the error."""
    ready = Barrier(len(statements))

    def one(work: tuple[LiteralString, Any]) -> str:
        with psycopg.connect(SERVERS.database_url(DATABASE_NAME)) as connection:
            ready.wait(10)
            try:
                connection.execute(*work)
                connection.commit()
            except psycopg.IntegrityError:
                return "refused"
        return "done"

    with ThreadPoolExecutor(len(statements)) as pool:
        return sorted(pool.map(one, statements))


def test_of_several_at_once_one_is_written(committed_real: None) -> None:
    """Last in this file: they commit."""
    set_database_time(T0)
    with psycopg.connect(SERVERS.database_url(DATABASE_NAME)) as connection:
        found = Attacker(connection)
    rows = [(BUYBACK, found.buyback(T0, slug)) for slug in ("first", "second", "first", "second")]
    assert _at_once(rows) == ["done", "refused", "refused", "refused"]
    rewards = [(REWARD, [found.epochs[1], f"0:{n}", Decimal(40), T0]) for n in range(4)]
    assert _at_once(rewards) == ["done", "done", "refused", "refused"]
    with as_owner():
        assert (Buyback.objects.count(), RewardPayout.objects.count(), TreasuryBalance.objects.count()) == (1, 2, 0)
