"""Server time of the pages of review with 10,000 proposals and 100,000 rows of history, through the whole of Django: session,
roles, queries, template. Target: below 100 ms each. Medians and the 95th percentile over `ROUNDS` requests."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PROPOSALS, STEPS_EACH, ROUNDS, WARM = 10_000, 10, 40, 3
# Of a hundred proposals: how many are in each state, as a desk has them after a year.
STATES = {"APPLIED": 60, "REJECTED": 10, "EXPIRED": 8, "WITHDRAWN": 8, "SUPERSEDED": 5, "CANCELLED": 2, "FAILED": 2,
          "DRAFT": 2, "IN_REVIEW": 2, "CHANGES_REQUESTED": 1}  # fmt: skip
BASE_DIR = Path(__file__).resolve().parent.parent


def run() -> list[dict[str, Any]]:
    """Rows of results. A process of its own: it fills a database."""
    command = [sys.executable, "-m", "bench.review_pages"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"the benchmark of the pages of review failed:\n{done.stderr[-2000:]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


FILLED = ("proposals", "proposal_transitions", "votes", "proposal_comments")


@contextmanager
def unguarded() -> Iterator[None]:
    """A year of proposals at once is what the guards are there to refuse: the owner lets the throwaway database take it."""
    import psycopg

    from dcmm_portal.embedded import postgres
    from tests.support.plugin import DATABASE_NAME, SERVERS

    def triggers(word: str) -> None:
        with psycopg.connect(SERVERS.database_url(DATABASE_NAME, postgres.OWNER_ROLE), autocommit=True) as owner:
            for table in FILLED:
                owner.execute(f"ALTER TABLE {table} {word} TRIGGER USER")

    triggers("DISABLE")
    try:
        yield
    finally:
        triggers("ENABLE")


def fill(people: dict[str, Any], now: datetime) -> int:
    """The proposals with their histories, votes and comments; the id of one in review."""
    from governance.models import Proposal, ProposalComment, ProposalTransition, Vote
    from governance.review import drafting
    from tests.pages.stage import DEX

    change = {"markets": {DEX: {"spread_floor_bps": "4"}}}
    real = drafting.propose(people["operator"], "parameters", None, change, "tighter", key="bench", now=now)
    fields = [one.attname for one in Proposal._meta.concrete_fields if one.attname != "id"]
    body = {name: getattr(real, name) for name in fields}
    words = [state for state, share in STATES.items() for _ in range(share)]
    times = {"submitted_at": now, "valid_until": now + timedelta(days=14)}
    made = Proposal.objects.bulk_create(
        (Proposal(**body | times | {"state": words[n % 100]}) for n in range(PROPOSALS)), batch_size=1000
    )
    who = {"actor_id": str(people["operator"].pk), "actor_name": "operator", "revision": 1, "at": now}
    ProposalTransition.objects.bulk_create(
        (
            ProposalTransition(proposal=one, from_state="DRAFT", to_state="DRAFT", action="edit", reason="again", **who)
            for one in made
            for _ in range(STEPS_EACH)
        ),
        batch_size=2000,
    )
    about = {"content_hash": real.content_hash, "voted_at": now, "method": "totp", "revision": 1}
    Vote.objects.bulk_create(
        (Vote(proposal=one, voter=people["auditor"], voter_name="auditor", choice="approve", **about) for one in made),
        batch_size=2000,
    )
    ProposalComment.objects.bulk_create(
        (
            ProposalComment(proposal=one, author=people["auditor"], author_name="auditor", text="why?", at=now)
            for one in made
        ),
        batch_size=2000,
    )
    return next(one.pk for one in made if one.state == "IN_REVIEW")


def measured(client: Any, address: str) -> list[float]:
    """Milliseconds of each request but the first ones."""
    took = []
    for _ in range(WARM + ROUNDS):
        began_s = time.perf_counter()
        answer = client.get(address)
        took.append((time.perf_counter() - began_s) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
    return sorted(took[WARM:])


def main() -> None:
    """Measure, and print the rows as JSON."""
    from bench import throwaway

    try:
        from django.db import connection
        from django.test import Client

        from governance.access.roles import Role
        from governance.review.policies import write_policy
        from governance.review.starting_policy import starting_policy
        from tests.pages import stage
        from trading.registry.services import declare_demo_desk

        throwaway.emptied()
        now = datetime.now(UTC)
        declare_demo_desk(now)
        who = {"authorised_by": "genesis", "actor_id": "bench", "actor_name": "bench", "reason": "first"}
        write_policy(starting_policy(), now=now, **who)
        roles = (Role.OPERATOR, Role.APPROVER, Role.AUDITOR)
        people = {role.value: stage.person(role.value, role) for role in roles}
        with unguarded():
            proposal = fill(people, datetime.now(UTC))
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM proposal_transitions")
            history = cursor.fetchone()[0]
        client = stage.sign_in(Client(SERVER_NAME="localhost"), people["approver"])
        rows = []
        for name, address in (
            ("inbox", "/desk/review/"),
            ("proposal", f"/desk/review/{proposal}/"),
            ("all proposals", "/desk/review/all/"),
        ):
            took = measured(client, address)
            what = f"{name}, {PROPOSALS} proposals, {history} steps"
            rows.append({"name": f"{what}: median", "value": statistics.median(took), "unit": "ms"})
            rows.append({"name": f"{what}: p95", "value": took[int(len(took) * 0.95)], "unit": "ms"})
        print(json.dumps(rows))
    finally:
        throwaway.stop_servers()


if __name__ == "__main__":
    main()
