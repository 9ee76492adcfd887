"""Exact values are planted wherever they are kept, and every public door is walked: none of them leaves."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from disclosures import urls as page_urls
from disclosures.api import urls as api_urls
from disclosures.live.reading import public_form, read_public
from disclosures.models import RollupDay
from disclosures.reports.making import make_report
from disclosures.reports.periods import asked_period
from disclosures.transparency.charts import CHARTS
from disclosures.transparency.metrics import METRICS
from disclosures.transparency.publication import Publication
from disclosures.transparency.rollups.calendar import day_of
from disclosures.transparency.rollups.roll import roll_up
from disclosures.transparency.series import RANGES
from tests.pages import stage
from tests.pages.conftest import alive, desk, now_ns
from trading.events.live import market_message
from trading.market_status import status_json
from trading.models import Fill, Lock, Market, MarketMinute, MmState
from trading.parameters.services import apply_version, current_values
from trading.samples import take_samples
from trading.selectors import market_status

__all__ = ["alive", "desk", "now_ns"]
API = "/api/v1/public/"
EXACT_Q, NAME = "203517.4271", "olga-of-the-desk"
# A document that is not published and a chart of each kind.
FILLED = {
    "<slug:slug>": stage.DEX, "<slug:key>": "<chart>", "<slug:kind>": "general-risk", "<int:version>": "1",
    "<slug:language>": "en", "<slug:day>": str(day_of(datetime.now(UTC)) - timedelta(days=2)),
}  # fmt: skip
# What the desk knows and nobody else: inventory, fills, their sums, fees, P&L of the moment, names, a rule's figures.
SECRETS = (
    "203517", "203,517", "203.517",
    "437.25", "211.04", "93.77", "0.2361937", "0.2367711", "0.0236117",
    "648.29", "226.21", "103.276", "49.968", "153.244",
    "12.4873", "48128.51",
    NAME, "session 88.1234",
)  # fmt: skip


@pytest.fixture
def planted(alive: Any, now_ns: int) -> None:
    now = datetime.now(UTC)
    market = Market.objects.get(slug=stage.DEX)
    stage.committed_position(stage.DEX, EXACT_Q, "48128.5123", "12.487319", now)
    stage.put_history(stage.DEX, now_ns, points=900, inventory=Decimal(EXACT_Q))
    long_ago = now - timedelta(days=2)
    Fill.objects.bulk_create(
        Fill(
            market=market, venue="dex", account="dex-desk", symbol="s", trade_id=f"X{n}", order_id=f"X{n}", side=side,
            price=Decimal(price), size=Decimal(size), fee=Decimal("0.0236117"), fee_asset="usdt", fee_rate=1, source="stream",
            ledger_seq=n, executed_at=at, booked_at=at,
        )
        for n, (side, price, size, at) in enumerate(
            (
                ("buy", "0.2361937", "437.2519", long_ago),
                ("sell", "0.2367711", "211.0413", long_ago),
                ("buy", "0.2361937", "93.7717", now - timedelta(seconds=30)),
            )
        )
    )  # fmt: skip
    for minutes in (1, 90, 2880):
        at = (now - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        MarketMinute.objects.create(market=market, minute=at, cycles=60, two_sided=58)
        MmState.objects.create(
            market=market, at=at, ledger_seq=minutes, state="ACTIVE", inventory=EXACT_Q, realised="12.487319", unrealised=0,
            open_orders=2, body={},
        )  # fmt: skip
        stage.hot_market(stage.DEX, now_ns - minutes * 60 * stage.SECOND_NS)
        take_samples(now_ns - minutes * 60 * stage.SECOND_NS)
    stage.hot_market(stage.DEX, now_ns)
    stage.put_position(stage.DEX, EXACT_Q, "48128.5123", "12.487319", 3)
    Lock.objects.create(
        scope=stage.DEX, state="PAUSED", rule="hard_limit", reason=f"hard_limit_reached: q {EXACT_Q}, session 88.1234",
        imposed_at=now - timedelta(minutes=5), imposed_by=NAME,
    )  # fmt: skip
    apply_version(
        market, current_values(market.parameter_set) | {"spread_floor_bps": Decimal(6)}, authorised_by="genesis",
        actor_id="1", actor_name=NAME, reason="wider", now=now,
    )  # fmt: skip
    roll_up(now + timedelta(minutes=5))
    # Late, so that something is restated.
    Fill.objects.create(
        market=market, venue="dex", account="dex-desk", symbol="s", trade_id="X9", order_id="X9", side="buy",
        price=Decimal("0.2361937"), size=Decimal("437.2519"), fee=None, source="poll", ledger_seq=9,
        executed_at=long_ago, booked_at=now,
    )  # fmt: skip
    roll_up(now - timedelta(minutes=5))
    cache.clear()


def addresses() -> list[str]:
    """Every public address that the URLconf knows, with every metric and range, and addresses that are refused."""
    found = []
    for root, patterns in (("/", page_urls.urlpatterns), (API, api_urls.urlpatterns)):
        for pattern in patterns:
            route = root + str(pattern.pattern)
            if route.endswith("accept/"):
                continue
            for name, value in FILLED.items():
                route = route.replace(name, value)
            if "reports/" in route:
                route = route.replace("general-risk", "daily")
            assert "<" not in route.replace("<chart>", ""), f"teach this walk how to fill {route}"
            if "<chart>" in route:
                found += [f"{route.replace('<chart>', key)}?range={name}" for key in CHARTS for name in ("1h", "all")]
            elif route.startswith(f"/markets/{stage.DEX}/"):
                found += [f"{route}?range={name}" for name in ("1h", "30d", "all", "2h")] + [f"{route}?from=2020-01-01"]
            elif "series" in route:
                found += [f"{route}?metric={metric}&range={name}" for metric in METRICS for name in ("1h", "7d", "all")]
                found += [f"{route}?metric={metric}&from=2020-01-01" for metric in METRICS]
                found += [f"{route}?metric=x", f"{route}?metric=volume&range=2h"]
            else:
                found.append(route)
    more = [f"/{room}/?market={stage.DEX}" for room in ("changes", "incidents")] + [
        "/restatements/?page=9",
        "/markets/nowhere/",
    ]
    return [*found, *more, f"{API}markets/nowhere/", f"{API}markets/nowhere/series.csv?metric=volume", "/nowhere/"]


def socket_tells() -> list[dict[str, Any]]:
    """What the public socket says: to newcomers as it is read, and of the messages of the live push, which hold everything."""
    read = read_public()
    pushed = [market_message(market_status(slug, time.time_ns()))["status"] for slug in read.forms]
    return [*read.forms.values(), *(public_form(status, read.basis) for status in pushed)]


def told(client: Client) -> dict[str, str]:
    client.raise_request_exception = False
    bodies = {}
    for address in addresses():
        answer = client.get(address)
        assert answer.status_code in (200, 302, 400, 404, 405), (address, answer.status_code, answer.content[:300])
        bodies[address] = answer.content.decode(errors="replace") + str(dict(answer.headers))
    bodies["socket"] = json.dumps(socket_tells())
    return bodies


@pytest.fixture
def unthrottled(monkeypatch: pytest.MonkeyPatch) -> None:
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "public", None)


@pytest.mark.usefixtures("planted", "unthrottled")
def test_no_exact_value_leaves_by_any_door(client: Client) -> None:
    desk_knows = json.dumps(status_json(market_status(stage.DEX, time.time_ns())))
    assert EXACT_Q in desk_knows and "12.487319" in desk_knows
    # At two fills and half a minute of this day the sums hold what the walk must not find.
    assert RollupDay.objects.filter(bought_base=Decimal("874.5038")).exists()
    make_report(asked_period("daily", FILLED["<slug:day>"]), datetime.now(UTC))
    bodies = told(client)
    # A number that only ends so is another one, as a time of day is.
    found = [(secret, re.compile(rf"(?<![0-9]){re.escape(secret)}")) for secret in SECRETS]
    leaks = {(secret, address) for address, body in bodies.items() for secret, form in found if form.search(body)}
    assert leaks == set()
    # The doors did tell something, of the very things that were planted.
    assert "hard_limit_reached" in bodies[f"{API}incidents/"]
    assert bodies["socket"].count('"inventory": "204000"') == 2
    assert "6 bps" in bodies["/feed.xml"] or "→ 6" in bodies["/feed.xml"]
    assert '"pnl_quote"' in bodies[f"{API}restatements/"]
    assert "<code>pnl_quote</code>" in bodies["/restatements/"] and "hard_limit_reached" in bodies["/incidents/"]
    assert ">204,000</b>" in bodies[f"/markets/{stage.DEX}/?range=1h"]
    assert "ours_quote" in bodies[f"{API}reports/daily/{FILLED['<slug:day>']}/"]
    assert len(RANGES) == 7


@pytest.mark.usefixtures("planted", "unthrottled")
def test_with_a_coarser_policy_no_live_quote_leaves(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = Publication(1, 86_400, Decimal(1), 7, 86_400)
    assert json.dumps(socket_tells()).count("0.236464") == 2
    monkeypatch.setattr("disclosures.transparency.publication.publication_of", lambda row: coarse)
    cache.clear()
    make_report(asked_period("daily", FILLED["<slug:day>"]), datetime.now(UTC))
    bodies = told(client)
    for address, body in bodies.items():
        assert not any(
            secret in body for secret in (*SECRETS, "0.236464", "0.23656", "204000", "hard_limit_reached")
        ), address
    assert bodies["socket"].count('"inventory": null') == 2 * len(read_public().forms)
