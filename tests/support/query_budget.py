"""How many queries a page may make: committed in tests/query_budget.json, one number a page.

A page that makes more fails, so that nobody adds a query per row without noticing; one that makes far fewer fails too, so that
the budget stays what the page needs. A page is asked once before it counts: what Django reads once per process is not its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

PATH = Path(__file__).resolve().parents[1] / "query_budget.json"
# A budget may be this much larger than what the page makes.
SLACK = 2
# Savepoints are the test's own: its transaction makes them of what are transactions elsewhere.
_NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


class BudgetExceeded(AssertionError):
    """The page makes more queries than it may, or so few that its budget should be lowered; the message shows them."""


def budgets() -> dict[str, int]:
    """The committed budget of every page."""
    found: dict[str, int] = json.loads(PATH.read_text())
    return found


def counted(queries: list[dict[str, str]]) -> list[str]:
    """The statements that count."""
    return [one["sql"] for one in queries if not one["sql"].startswith(_NOT_COUNTED)]


def judge(page: str, made: list[str], allowed: dict[str, int], otherwise: str = "") -> None:
    """Raises `BudgetExceeded`. A page without a budget of its own keeps to that of `otherwise`, which is for many; without that
    either it fails."""
    budget = allowed.get(page, allowed.get(otherwise))
    slack = SLACK if page in allowed else len(made) + (budget or 0)
    if budget is not None and len(made) <= budget <= len(made) + slack:
        return
    repeated = [f"  {times} × {sql[:160]}" for sql, times in Counter(made).most_common() if times > 1]
    every = [f"  {sql[:160]}" for sql in made]
    raise BudgetExceeded(
        f"{page} makes {len(made)} queries, tests/query_budget.json allows {budget}\n"
        + "\n".join(["made more than once:", *repeated, "all:", *every])
    )


@contextmanager
def within_budget(page: str, otherwise: str = "") -> Iterator[None]:
    """Whatever is done inside keeps to the budget of `page`."""
    with CaptureQueriesContext(connection) as captured:
        yield
    judge(page, counted(captured.captured_queries), budgets(), otherwise)


def get_within_budget(client: Client, page: str, address: str, otherwise: str = "") -> bytes:
    """The page at `address`, which must answer 200 within its budget."""
    client.get(address)
    _forget()
    with within_budget(page, otherwise):
        answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    content: bytes = answer.content
    return content


def _forget() -> None:
    for name in ("default", "answers"):
        caches[name].clear()


def query_count(client: Client, address: str) -> int:
    """How many queries the page makes, for comparing it with itself under more rows."""
    client.get(address)
    _forget()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(counted(captured.captured_queries))
