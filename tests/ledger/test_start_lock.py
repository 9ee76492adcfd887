"""No market quotes before its account was compared with its venue: at the start, after Redis lost its memory, on reconnect."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import connection

from tests.ledger.venue_setting import environ, setting
from tests.support.servers import wait_until
from trading.clock import SystemClock
from trading.hot_state import keys
from trading.hot_state.connection import async_client, sync_client
from trading.hot_state.reconciled import is_marked, mark_reconciled, request_comparison, wanted_comparisons
from trading.ledger.start_lock import compare_wanted, watch
from trading.models import Market, ReconciliationReport

ACCOUNT = "dex-desk"


@pytest.fixture
def demo(demo: None) -> None:
    """One account alone."""
    Market.objects.filter(account__slug="cex-desk").update(is_active=False)


def marked() -> bool:
    return is_marked(sync_client().get(keys.reconciled(ACCOUNT)))


def reports(trigger: str) -> int:
    return ReconciliationReport.objects.filter(trigger=trigger).count()


def test_a_mark_of_an_earlier_start_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    client = sync_client()
    monkeypatch.setenv("DCMM_GROUP", "first")
    mark_reconciled(ACCOUNT)
    assert (marked(), wanted_comparisons(client, [ACCOUNT])) == (True, {})
    monkeypatch.setenv("DCMM_GROUP", "second")
    assert (marked(), wanted_comparisons(client, [ACCOUNT])) == (False, {ACCOUNT: "start"})
    monkeypatch.delenv("DCMM_GROUP")
    mark_reconciled(ACCOUNT)  # a command by hand undoes no group's mark
    monkeypatch.setenv("DCMM_GROUP", "first")
    assert marked()


async def test_workers_compare_at_the_start_after_a_flush_and_when_asked(
    demo: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCMM_GROUP", "this")
    async with setting() as here:
        await here.catch_up()
        for name, value in environ("dex", here.sandbox).items():
            monkeypatch.setenv(name, value)
        stop = threading.Event()
        watchers = [threading.Thread(target=watch, args=(stop, SystemClock())) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        try:
            await asyncio.to_thread(wait_until, marked, 60, "compared at the start")
            assert await asyncio.to_thread(reports, "start") == 1
            assert ReconciliationReport.objects.get().equal
            sync_client().flushdb()
            await asyncio.to_thread(wait_until, marked, 60, "compared after the flush")
            client = async_client()
            await request_comparison(client, ACCOUNT, "reconnect")
            await client.aclose()
            await asyncio.to_thread(wait_until, lambda: reports("reconnect") == 1, 60, "compared when asked")
            assert not sync_client().exists(keys.comparison_requests())
        finally:
            stop.set()
            await asyncio.to_thread(lambda: [watcher.join(60) for watcher in watchers])
            connection.close()


def test_a_venue_that_cannot_be_read_leaves_the_lock(demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": "http://127.0.0.1:1", "DESK_KEY_ID": "desk", "DESK_SECRET": "s" * 32}.items():
        monkeypatch.setenv(f"VENUE_DEX_{name}", value)
    assert compare_wanted(SystemClock()) == 1
    assert not marked()
    assert 0 < sync_client().pttl(keys.comparison_claim(ACCOUNT, "")) <= 2_000
    assert compare_wanted(SystemClock()) == 0  # taken on again only after a pause
