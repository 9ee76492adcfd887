"""Published reports, attacked in SQL with the application's own password: what was published stays, one for each period."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.db import connection

from disclosures.models import PublicReport
from tests.attacks.desk import Desk

INSERT = (
    "INSERT INTO public_reports (kind, period_start, period_end, made_at, content, sha256, publication_version)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
EVENT = (
    "INSERT INTO events (aggregate, aggregate_seq, type, payload, actor_id, actor_name, correlation_id, occurred_at)"
    " VALUES (%s, 1, 'report.published', %s, '', '', '', now())"
)


def values(
    kind: str = "daily",
    first: str = "2026-03-04",
    last: str = "2026-03-04",
    at: str = "2026-03-04T19:10:00Z",
    **changes: Any,
) -> list[Any]:
    body = {"kind": kind, "first_day": first, "last_day": last, "publication": {"version": 1}} | changes.get("body", {})
    content = json.dumps(body)
    sha256 = changes.get("sha256") or hashlib.sha256(content.encode()).hexdigest()
    return [kind, first, last, at, content, sha256, changes.get("version", 1)]


def publish(desk: Desk) -> None:
    row = values()
    with desk.app.transaction():
        desk.app.execute(EVENT, ["report:daily:2026-03-04", json.dumps({"sha256": row[5]})])
        desk.app.execute(INSERT, row)


def test_what_is_published_stays_and_comes_once(desk: Desk) -> None:
    publish(desk)
    assert PublicReport.objects.count() == 1
    assert "public_report_once" in desk.refused(INSERT, values())
    for statement in (
        "UPDATE public_reports SET content = '{}'",
        "DELETE FROM public_reports",
        "TRUNCATE public_reports",
        "ALTER TABLE public_reports DISABLE TRIGGER ALL",
    ):
        told = desk.refused(statement)
        assert "permission denied" in told or "must be owner" in told


def test_what_the_application_may_not_the_guard_refuses_too(db: None) -> None:
    """Were the right given by mistake, the trigger would still be there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgtype & 28, tgenabled FROM pg_trigger"
            " WHERE tgrelid = 'public_reports'::regclass AND NOT tgisinternal"
        )
        # 4 insert, 8 delete, 16 update.
        assert {row[:2] for row in cursor.fetchall() if row[2] == "O"} >= {("public_reports_guard", 28)}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (values(), "published with its event"),
        (values(sha256="ab" * 32), "the hash of the report is of another text"),
        (values(body={"kind": "weekly"}), "about something else"),
        (values(body={"first_day": "2026-03-03"}), "about something else"),
        (values(body={"publication": {"version": 7}}), "about something else"),
        (values(version=2, body={"publication": {"version": 2}}), "publication policy in force"),
        (values(last="2026-03-05"), "of a day, or of a week"),
        (values("weekly", "2026-03-04", "2026-03-10", "2026-03-11T19:10:00Z"), "of a day, or of a week"),
        (values("hourly"), "of a day, or of a week"),
        (values(at="2026-03-04T18:59:00Z"), "made after its period"),
        (values(at="2099-01-01T00:00:00Z"), "made after its period"),
        (values(first="2098-01-01", last="2098-01-01", at="2098-01-02T00:00:00Z"), "made after its period"),
    ],
)
def test_a_report_that_is_none_is_refused(desk: Desk, row: list[Any], told: str) -> None:
    assert told in desk.refused(INSERT, row)
    assert PublicReport.objects.count() == 0
