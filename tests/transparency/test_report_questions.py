"""Questions to the archive of reports that make no sense, and the periods there are."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from disclosures.reports.periods import BadPeriod, Period, asked_period
from tests.pages.conftest import desk as hot_desk
from tests.transparency.test_reports import API, planted

__all__ = ["hot_desk", "planted"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/reports/hourly/2026-03-04/", 404), ("/reports/daily/2026-02-30/", 400), ("/reports/daily/x.csv", 400),
        ("/reports/daily/2026-03-03/", 404), ("/reports/weekly/2026-03-04/", 404),
        ("/reports/daily/2026-03-04.pdf?language=fr", 400),
        ("/reports/daily/0001-01-01/", 400), ("/reports/daily/9999-12-31/", 400), ("/reports/?page=0", 404),
        ("/reports/?page=x", 400),
        ("/reports/?page=99999999999", 400), ("/reports/?page=2", 404), (f"{API}daily/2026-02-30/", 400),
        (f"{API}daily/2026-03-03/", 404), (f"{API}hourly/2026-03-03/", 404), (f"{API}?page=-1", 400), (f"{API}?kind=x", 400),
        (f"{API}?page=9", 404),
    ],
)  # fmt: skip
def test_bad_questions_get_clear_answers(planted: Period, client: Client, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    assert b"Traceback" not in answer.content and len(answer.content) > 40


def test_periods() -> None:
    week = asked_period("weekly", "2026-03-01")
    assert (week.first, week.last) == (date(2026, 3, 1), date(2026, 3, 7))
    assert week.bounds() == (datetime(2026, 2, 28, 19, tzinfo=UTC), datetime(2026, 3, 7, 19, tzinfo=UTC))
    with pytest.raises(BadPeriod):
        asked_period("weekly", "2026-03-07")
