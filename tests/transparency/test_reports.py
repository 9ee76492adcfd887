"""Reports: literal figures of a planted day, each once, the same bytes again, nothing finer than the policy."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils.translation import override
from rest_framework.throttling import ScopedRateThrottle
from structlog.testing import capture_logs

from dcmm_portal.celery import app
from disclosures.models import PublicReport, Restatement, RollupDay, RollupProgress
from disclosures.printing.letters import printable
from disclosures.printing.press import NotPrintable
from disclosures.reports.content import content_of
from disclosures.reports.formats import csv_of, pages_of, pdf_of
from disclosures.reports.making import NotYet, late_reports, make_missing, make_report, missing, next_due
from disclosures.reports.periods import Period, asked_period
from disclosures.reports.selectors import body_of
from disclosures.transparency.publication import Publication
from tests.pages import stage
from tests.pages.conftest import desk as hot_desk
from tests.support.demo import declare_two_markets
from trading.models import Event, Lock, Market
from trading.parameters.services import apply_version, current_values

__all__ = ["hot_desk"]
DAY, SUNDAY = date(2026, 3, 4), date(2026, 3, 1)
START = datetime(2026, 3, 3, 19, tzinfo=UTC)
DUE = datetime(2026, 3, 4, 19, 10, tzinfo=UTC)
HOSTILE = '=cmd|"/c calc"!A1 <script>alert(1)</script> #panic() $x$ \u202eevil'
API = "/api/v1/public/reports/"
SUMS: dict[str, Any] = {
    "samples": 1440, "our_spread_samples": 2, "our_spread_bps_sum": D(9), "market_spread_samples": 1,
    "market_spread_bps_sum": D("2.5"), "depth_samples": 2, "depth_1_our_bid_quote": D(30), "depth_1_our_ask_quote": D(50),
    "depth_1_bid_quote": D(300), "depth_1_ask_quote": D(500), "depth_2_our_bid_quote": D(100), "depth_2_our_ask_quote": D(100),
    "calm_samples": 1000, "normal_samples": 400, "stressed_samples": 40, "sigma_samples": 2, "sigma_sum": D("0.0004"),
    "active_samples": 1080, "paused_samples": 360, "quoting_s": D(43200), "market_volume_minutes": 1440,
    "market_volume_quote": D(4000), "bought_base": D("1490.4371"), "sold_base": D(20), "base_change": D("1470.4371"),
    "cash_flow_quote": D("-367.5"), "fills": 9, "closing_reference_price": D("0.25"),
}  # fmt: skip


def plant(day: date, **changes: Any) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=5)
    RollupDay.objects.create(
        market=Market.objects.get(slug=stage.DEX), day=day, starts_at=start, ends_at=start + timedelta(days=1),
        **SUMS | changes,
    )  # fmt: skip


def close(until: datetime) -> None:
    RollupProgress.objects.update_or_create(pk=1, defaults={"closed_until": until, "rolled_at": until})


@pytest.fixture
def planted(hot_desk: None) -> Period:
    """The hard limit is 20,000, so that base quantities are told in steps of 1,000."""
    fill_in()
    return asked_period("daily", "2026-03-04")


def fill_in() -> None:
    market = Market.objects.get(slug=stage.DEX)
    plant(DAY)
    apply_version(
        market, current_values(market.parameter_set) | {"spread_floor_bps": D(6)}, authorised_by="genesis", actor_id="1",
        actor_name="olga-of-the-desk", reason=HOSTILE, now=START + timedelta(hours=8),
    )  # fmt: skip
    for rule, reason in (("person", HOSTILE), ("hard_limit", "hard_limit_reached: q 203517.4271")):
        Lock.objects.create(
            scope=stage.DEX, state="PAUSED", rule=rule, reason=reason, imposed_at=START + timedelta(hours=9),
            imposed_by="olga-of-the-desk", lifted_at=START + timedelta(hours=10), lift_reason="looked at it",
        )  # fmt: skip
    Restatement.objects.create(
        market=market, bucket="day", starts_at=START - timedelta(days=2), measure="pnl_quote", before=D("1.239"),
        after=D("2.5"), causes="fill", at=START + timedelta(hours=1),
    )  # fmt: skip
    close(DUE - timedelta(minutes=3))


def made(period: Period, now: datetime = DUE) -> PublicReport:
    return make_report(period, now)[0]


def figures(report: PublicReport) -> dict[str, list[Any]]:
    market = next(one for one in body_of(report)["markets"] if one["slug"] == stage.DEX)
    return {table["name"]: table["rows"] for table in market["figures"]}


def test_a_planted_day_has_these_figures(planted: Period) -> None:
    report = made(planted)
    body, day = body_of(report), "2026-03-04"
    assert (report.kind, report.period_start, report.period_end, report.made_at) == ("daily", DAY, DAY, DUE)
    assert (body["starts_at"], body["ends_at"]) == ("2026-03-03T19:00:00.000Z", "2026-03-04T19:00:00.000Z")
    assert figures(report) == {
        "spread": [[day, "4.5", "2.5"]],
        "depth_05": [[day, "0", "0", "0", "0", None]],
        "depth_1": [[day, "15", "25", "150", "250", "0.1"]],
        "depth_2": [[day, "50", "50", "0", "0", None]],
        "uptime": [[day, "0.5", "0"]],
        # 1,510 rounds to 2,000 of 1,000 each; at 0.25 that is 500, an eighth of the market, 5 times the depth of 100.
        "volume": [[day, "500", "4000", "0.125"]],
        "fill_rate": [[day, "5"]],
        # -367.5 + 1,470.4371 x 0.25
        "pnl": [[day, day, "0.11"]],
        "inventory": [[day, "1000"]],
        "volatility": [[day, "0.0002", "0.6944", "0.2778", "0.0278"]],
        "regime": [[day, "1000", "400", "40"]],
        "states": [[day, "0.75", "0", "0.25", "0"]],
    }
    tables = body["tables"]
    told = {(row[1], row[4], row[5], row[6], row[7]) for row in tables["incidents"]["rows"]}
    ended = "2026-03-04T05:00:00.000Z"
    assert told == {
        ("pause", "person", HOSTILE, ended, "looked at it"),
        ("rule", "hard_limit", "hard_limit_reached", ended, "looked at it"),
    }
    assert [row[4:7] for row in tables["restatements"]["rows"]] == [["pnl_quote", "1.24", "2.5"]]
    changes = next(one for one in body["markets"] if one["slug"] == stage.DEX)["parameters"]
    assert [(row[2], row[5], row[6], row[7]) for row in changes["rows"]] == [
        ("spread_floor_bps", "6", HOSTILE, "genesis")
    ]
    # Exact quantities, names and numbers of fills are in no form of it.
    for form in (report.content, csv_of(report).decode()):
        assert not any(secret in form for secret in ("1490", "1510", "1470", "203517", "olga", 'fills"', "-367"))


def test_the_same_bytes_again_and_the_event_names_them(planted: Period) -> None:
    report = made(planted)
    first = [csv_of(report), pdf_of(report, "en"), pdf_of(report, "dv")]
    pdf_of.__globals__["_pdf"].cache_clear()
    again, is_new = make_report(planted, DUE + timedelta(days=3))
    assert (again.pk, is_new) == (report.pk, False)
    assert [csv_of(again), pdf_of(again, "en"), pdf_of(again, "dv")] == first
    assert report.sha256 == hashlib.sha256(report.content.encode()).hexdigest()
    event = Event.objects.get(type="report.published")
    assert (event.aggregate, event.payload["sha256"]) == ("report:daily:2026-03-04", report.sha256)
    # Recomputed after its row is gone from memory, it is the very same text.
    told = StringIO()
    call_command("report", "--kind", "daily", "--day", "2026-03-04", "--compare", stdout=told)
    assert told.getvalue() == f"daily:2026-03-04 is the same: sha256 {report.sha256}\n"
    RollupDay.objects.update(our_spread_bps_sum=D(10))
    with pytest.raises(CommandError, match="differs: published sha256"):
        call_command("report", "--kind", "daily", "--day", "2026-03-04", "--compare")
    assert PublicReport.objects.get().content == report.content


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("daily", "2026-13-01"), "A day is written like 2026-03-04"),
        (("daily", "20260304"), "A day is written like 2026-03-04"),
        (("weekly", "2026-03-04"), "week that begins on 2026-03-01"),
        (("daily", "2099-01-01"), "This period is not over"),
        (("daily", "2026-03-03"), "Nothing is known of this period"),
        (("daily", "2026-03-05"), "Not everything of this period is told yet"),
    ],
)
def test_the_command_says_why_not(planted: Period, words: tuple[str, str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("report", "--kind", words[0], "--day", words[1])
    with pytest.raises(CommandError):
        call_command("report", "--kind", words[0], "--day", words[1], "--compare")
    assert PublicReport.objects.count() == 0


def test_nothing_is_made_before_everything_of_it_is_told(planted: Period, monkeypatch: pytest.MonkeyPatch) -> None:
    for early in (DUE - timedelta(minutes=1), START):
        with pytest.raises(NotYet):
            make_report(planted, early)
    close(DUE - timedelta(minutes=11))
    assert make_missing(DUE) == 0
    close(DUE + timedelta(days=3))
    coarse = Publication(1, 86_400, D(1), 7, 86_400)
    monkeypatch.setattr("disclosures.transparency.publication.publication_of", lambda row: coarse)
    with pytest.raises(NotYet):
        make_report(planted, DUE)
    assert late_reports(DUE + timedelta(hours=3)) == []
    report = made(planted, DUE + timedelta(days=1))
    told = figures(report)
    # A whole hard limit is the step, and seven days are told together when the last is over.
    assert (told["inventory"], told["volume"][0][1]) == ([["2026-03-04", "0"]], "0")
    assert told["pnl"] == []


def test_missed_nights_are_made_up_for_and_what_is_late_alarms(planted: Period) -> None:
    for day in range(1, 12):
        plant(DAY + timedelta(days=day))
    now = DUE + timedelta(days=11)
    close(now - timedelta(minutes=3))
    assert [period.name for period in missing(now)][:5] == [
        "daily:2026-03-04", "daily:2026-03-05", "daily:2026-03-06", "daily:2026-03-07", "weekly:2026-03-01",
    ]  # fmt: skip
    assert (make_missing(now), make_missing(now), make_missing(now)) == (12, 2, 0)
    weeks = list(PublicReport.objects.filter(kind="weekly").order_by("period_start"))
    assert [(one.period_start, one.period_end) for one in weeks] == [
        (SUNDAY, date(2026, 3, 7)), (date(2026, 3, 8), date(2026, 3, 14)),
    ]  # fmt: skip
    assert [row[0] for row in figures(weeks[0])["spread"]] == ["2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07"]
    assert len(figures(weeks[1])["pnl"]) == 7
    later = now + timedelta(days=1)
    assert late_reports(later) == [] and late_reports(later + timedelta(hours=1, minutes=1)) == missing(later)
    assert next_due(now - timedelta(minutes=1)) == now and next_due(now) == now + timedelta(days=1)


def test_one_that_cannot_be_made_holds_back_neither_the_others_nor_the_alarm(
    planted: Period, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 3):
        plant(DAY + timedelta(days=day))
    now = DUE + timedelta(days=2, hours=2)
    close(now)

    def broken(period: Period, at: datetime) -> dict[str, Any]:
        if period == planted:
            raise ZeroDivisionError
        return content_of(period, at)

    monkeypatch.setattr("disclosures.reports.making.content_of", broken)
    monkeypatch.setattr("disclosures.reports.making.MOST_AT_ONCE", 2)
    with capture_logs() as told:
        assert make_missing(now) == 2
    assert [str(one) for one in PublicReport.objects.order_by("period_start").values_list("period_start", flat=True)] == [
        "2026-03-05", "2026-03-06",
    ]  # fmt: skip
    assert [(one["event"], one.get("period"), one.get("first")) for one in told if one["log_level"] == "error"] == [
        ("report_failed", "daily:2026-03-04", None), ("reports_late", None, "daily:2026-03-04"),
    ]  # fmt: skip


def test_two_at_once_make_one(committed_db: None, valkey: str) -> None:
    declare_two_markets(datetime.now(UTC))
    fill_in()
    barrier, found = threading.Barrier(2), []

    def run() -> None:
        try:
            barrier.wait(10)
            found.append(make_report(asked_period("daily", "2026-03-04"), DUE)[1])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [False, True]
    assert (PublicReport.objects.count(), Event.objects.filter(type="report.published").count()) == (1, 1)


def test_beat_fires_at_ten_past_midnight_in_the_maldives(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = app.conf.beat_schedule["reports"]["schedule"]
    for now, is_due in ((DUE - timedelta(seconds=1), False), (DUE + timedelta(seconds=1), True)):
        monkeypatch.setattr(type(schedule), "now", lambda self, now=now: now.astimezone(self.tz))
        assert schedule.is_due(DUE - timedelta(hours=20)).is_due is is_due
        assert schedule.is_due(DUE + timedelta(milliseconds=500)).is_due is False


def test_every_door_tells_the_report(planted: Period, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    report = made(planted)
    at = int((DUE + timedelta(days=1)).timestamp())
    monkeypatch.setattr("disclosures.reports.views.time.time_ns", lambda: at * 1_000_000_000)
    address = "/reports/daily/2026-03-04"
    page = client.get(f"{address}/").content.decode()
    assert "4.50" in page and "12.5 %" in page and report.sha256 in page and "2026-03-04" in page
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'id="restated"' not in page and "\u202e" not in page
    answer = client.get(f"{address}.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert [stage.DEX, "volume", "1", "ours_quote", "quote units; share 0..1", "500"] in rows
    assert [stage.DEX, "parameters", "1", "reason", "", f"'{HOSTILE}"] in rows
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dcmm-daily-2026-03-04.csv"'
    assert client.get(f"{address}.csv", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert hashlib.sha256(client.get(f"{address}.json").content).hexdigest() == report.sha256
    bodies = [client.get(f"{address}.pdf", {"language": language}).content for language in ("en", "dv")]
    assert (
        bodies == [pdf_of(report, "en"), pdf_of(report, "dv")] and bodies[0][:5] == b"%PDF-" and bodies[0] != bodies[1]
    )
    told = client.get(f"{API}daily/2026-03-04/").json()
    assert (told["sha256"], json.loads(told["content"])["kind"]) == (report.sha256, "daily")
    assert [one["first_day"] for one in client.get(API, {"kind": "daily"}).json()["reports"]] == ["2026-03-04"]
    assert report.sha256 in (feed := client.get("/feed.xml").content.decode()) and f"{address}/" in feed
    assert report.sha256[:12] in client.get("/reports/").content.decode()
    with override("dv"):
        assert all(page[:4] == b"\x89PNG" for page in pages_of(report, "dv"))


def test_a_late_correction_stands_on_the_page_and_in_the_next_report(
    planted: Period, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, market = made(planted), Market.objects.get(slug=stage.DEX)
    at = DUE + timedelta(hours=3)
    Restatement.objects.create(
        market=market, bucket="day", starts_at=START, measure="pnl_quote", before=D("0.109"), after=D("-7.316"),
        causes="fill", at=at,
    )  # fmt: skip
    seen = int((at + timedelta(hours=2)).timestamp())
    monkeypatch.setattr("disclosures.reports.views.time.time_ns", lambda: seen * 1_000_000_000)
    page = client.get("/reports/daily/2026-03-04/").content.decode()
    assert 'id="restated"' in page and "-7.32" in page
    plant(DAY + timedelta(days=1))
    close(DUE + timedelta(days=1))
    after = made(asked_period("daily", "2026-03-05"), DUE + timedelta(days=1))
    assert [row[3:7] for row in body_of(after)["tables"]["restatements"]["rows"]] == [
        ["2026-03-03T19:00:00.000Z", "pnl_quote", "0.11", "-7.32"]
    ]
    assert PublicReport.objects.get(pk=report.pk).sha256 == report.sha256


def test_what_changed_since_says_how_much_of_it_is_left_out(
    planted: Period, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, market = made(planted), Market.objects.get(slug=stage.DEX)
    at = DUE + timedelta(hours=3)
    rows = [
        Restatement(
            market=market, bucket="day", starts_at=START, measure="pnl_quote", before=D(number) + D("0.01"),
            after=D(number) + D("1.01"), causes="fill", at=at + timedelta(seconds=number),
        )
        for number in range(502)
    ]  # fmt: skip
    Restatement.objects.bulk_create(rows[:500])
    seen = int((at + timedelta(hours=2)).timestamp())
    monkeypatch.setattr("disclosures.reports.views.time.time_ns", lambda: seen * 1_000_000_000)
    page = client.get("/reports/daily/2026-03-04/").content.decode()
    assert "500.01" in page and "… and" not in page
    Restatement.objects.bulk_create(rows[500:])
    page = client.get("/reports/daily/2026-03-04/").content.decode()
    assert "502.01" in page and '"ltr">2.01<' in page and '"ltr">1.01<' not in page
    assert '… and 2 more. <a href="/restatements/">' in page
    # The report's own files, which stay as they were, do not hold them.
    assert "2 more, all of them in the CSV" not in page and "502.01" not in report.content


def test_letters_without_a_font_are_printed_as_their_numbers(planted: Period, client: Client) -> None:
    Lock.objects.create(
        scope=stage.DEX, state="PAUSED", rule="person", reason="stopped \U0001f600 by \u4e2d\u6587 5\u07a6", imposed_by="x",
        imposed_at=START + timedelta(hours=9), lifted_at=START + timedelta(hours=11), lift_reason="looked at it",
    )  # fmt: skip
    made(planted)
    answer = client.get("/reports/daily/2026-03-04.pdf")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    assert "\U0001f600" in client.get("/reports/daily/2026-03-04/").content.decode()
    words = {
        "said": ["a\U0001f600 \u4e2d\u6587", "\u0793\u07ac 5\u07a6", 1, None],
        "sign": "e\u0301 \u20ac \u2066x\u2069 \u202e",
    }
    assert printable(words) == {
        "said": ["a[U+1F600] [U+4E2D][U+6587]", "\u0793\u07ac 5[U+07A6]", 1, None],
        "sign": "\u00e9 \u20ac \u2066x\u2069 [U+202E]",
    }


def test_pdfs_have_a_throttle_of_their_own_and_a_coded_error(
    planted: Period, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(planted)

    def broken(*given: object) -> bytes:
        raise NotPrintable("no font")

    monkeypatch.setattr("disclosures.reports.views.pdf_of", broken)
    assert ScopedRateThrottle.THROTTLE_RATES["files"] == "30/min"
    monkeypatch.setitem(ScopedRateThrottle.THROTTLE_RATES, "files", "1/min")
    address = "/reports/daily/2026-03-04"
    answer = client.get(f"{address}.pdf", REMOTE_ADDR="198.51.100.44")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_printable")
    assert client.get(f"{address}.pdf", REMOTE_ADDR="198.51.100.44").status_code == 429
    assert client.get(f"{address}.csv", REMOTE_ADDR="198.51.100.44").status_code == 200
