"""Comparing accounts with their venues when it can't wait for the minute: after the start, after Redis lost its memory, and when
an account's own stream was interrupted.

Every worker watches; a claim in the hot state lets one of them compare. Until an account was compared, none of its markets quotes
(`not_reconciled`): what the comparison finds is in the controls before the mark is set.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import close_old_connections, connection

from trading.clock import Clock
from trading.hot_state.connection import sync_client
from trading.hot_state.reconciled import claim_comparison, end_comparison, wanted_comparisons
from trading.ledger.reconcile_accounts import reconcile_all
from trading.registry.selectors import active_markets

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 0.5
LONGEST_PAUSE_S = 5.0


def watch(stop: threading.Event, clock: Clock) -> None:
    """Compare whatever is wanted until `stop`; outlives PostgreSQL, Redis and venues being away."""
    failures = 0
    try:
        while not stop.is_set():
            try:
                close_old_connections()
                compare_wanted(clock)
                failures = 0
            except Exception as problem:
                failures += 1
                connection.close()
                log.warning("comparisons_not_looked_for", problem=type(problem).__name__, failures=failures)
            stop.wait(min(LONGEST_PAUSE_S, LOOK_EVERY_S * (1 + failures)))
    finally:
        connection.close()


def compare_wanted(clock: Clock) -> int:
    """Compare side by side what is wanted now and taken on by nobody; how many accounts that were."""
    client = sync_client()
    wanted = wanted_comparisons(client, sorted({market.account for market in active_markets()}))
    mine = {account: reason for account, reason in wanted.items() if claim_comparison(client, account)}
    if mine:
        with ThreadPoolExecutor(len(mine), thread_name_prefix="compare") as pool:
            list(pool.map(lambda each: _compare(each[0], each[1], clock), mine.items()))
    return len(mine)


def _compare(account: str, reason: str, clock: Clock) -> None:
    succeeded = False
    try:
        reports, unread = reconcile_all(reason, clock, full=False, only=account)
        succeeded = bool(reports)
        log.info("account_compared", account=account, reason=reason, problems=[each.problem for each in unread])
    except Exception as problem:
        # One account's fault stops no other; it is tried again.
        log.error("account_not_compared", account=account, problem=f"{type(problem).__name__}: {problem}"[:300])
    finally:
        connection.close()
        end_comparison(sync_client(), account, succeeded=succeeded)
