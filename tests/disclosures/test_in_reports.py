"""What was published of documents stands in the report of its day."""

from __future__ import annotations

from datetime import timedelta

from disclosures.reports.content import content_of
from disclosures.reports.periods import asked_period
from disclosures.transparency.rollups.calendar import day_of
from tests.disclosures.library import RISK, Library


def test_versions_and_notices_of_the_day_are_told(library: Library) -> None:
    version = library.published()
    library.noticed("correct", version)
    day = day_of(version.published_at)
    told = {}
    for name, asked in (("that", day), ("next", day + timedelta(days=1))):
        body = content_of(asked_period("daily", asked.isoformat()), library.now + timedelta(days=3))
        told[name] = [row[1:5] for row in body["tables"]["documents"]["rows"]]
    assert told == {"that": [["published", RISK, 1, version.sha256], ["correction", RISK, 1, ""]], "next": []}
