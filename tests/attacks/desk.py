"""A desk whose genesis is closed, attacked over the application's own connection; the owner's is used for the clock alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from psycopg.rows import dict_row

from governance.access.grants import grant_role
from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review.drafting import propose, submit
from governance.review.policies import write_policy
from governance.review.previewing import PREVIEWS, attach_preview
from governance.review.starting_policy import starting_policy
from governance.review.step_up import StepUp
from governance.review.voting import vote
from tests.support.plugin import DATABASE_NAME, SERVERS
from trading.registry.services import declare_demo_desk

TIMELOCK = timedelta(seconds=3600)
SLUG = "dct-usdt-dex"
PEOPLE = {
    "olga": Role.OPERATOR,
    "anna": Role.APPROVER,
    "boris": Role.APPROVER,
    "clara": Role.APPROVER,
    "carl": Role.COMPLIANCE,
    "cora": Role.COMPLIANCE,
    "dina": Role.COMPLIANCE,
    "adam": Role.ADMINISTRATOR,
}


class Refused(AssertionError):
    """The attack was not refused."""


class Desk:
    """`app` is a connection as `dcmm_app`, as an intruder with its password has; `owner` moves the database's clock."""

    def __init__(self, app: psycopg.Connection[dict[str, Any]], owner: psycopg.Connection[dict[str, Any]]) -> None:
        self.app, self.owner = app, owner
        self.ahead = timedelta(0)
        self.people = {one.username: one for one in User.objects.all()}

    def now(self) -> datetime:
        """The database's time, for services."""
        return timezone.now() + self.ahead

    def travel(self, by: timedelta) -> None:
        """Move the database's clock on, as its owner may."""
        self.ahead += by
        seconds = str(self.ahead.total_seconds())
        self.owner.execute(
            "CREATE OR REPLACE FUNCTION governance.now() RETURNS timestamptz LANGUAGE sql VOLATILE"
            f" SET search_path = pg_catalog, public, pg_temp AS 'SELECT clock_timestamp() + interval ''{seconds} s'''"
        )

    def draft(self, change: dict[str, Any], kind: str = "parameters", by: str = "olga") -> Proposal:
        return propose(self.people[by], kind, None, change, "a reason", key=uuid.uuid4().hex, now=self.now())

    def in_review(self, change: dict[str, Any], kind: str = "parameters", by: str = "olga") -> Proposal:
        made = self.draft(change, kind, by)
        if kind in PREVIEWS:
            attach_preview(self.people[by], made.pk, key=uuid.uuid4().hex, now=self.now())
        return submit(self.people[by], made.pk, key=uuid.uuid4().hex, now=self.now())

    def vote(self, proposal: Proposal, by: str, choice: str = "approve") -> Proposal:
        now = self.now()
        return vote(
            self.people[by], proposal.pk, choice, proposal.content_hash, "looked at it", StepUp("totp", now),
            key=uuid.uuid4().hex, now=now,
        )  # fmt: skip

    def approved(self, change: dict[str, Any], kind: str = "parameters", by: str = "olga") -> Proposal:
        made = self.in_review(change, kind, by)
        self.vote(made, "anna")
        return self.vote(made, "boris")

    def refused(self, statement: LiteralString, values: Any = None) -> str:
        """Run the attack in one transaction to its commit; the refusal's text. Fails if it passes."""
        try:
            with self.app.transaction():
                self.app.execute(statement, values)
        except psycopg.Error as problem:
            return str(problem).split("\n")[0]
        raise Refused(f"not refused: {statement}")

    def one(self, query: LiteralString, values: Any = None) -> dict[str, Any]:
        row = self.app.execute(query, values).fetchone()
        assert row is not None
        return row

    def version(self) -> int:
        return int(self.one("SELECT version FROM parameter_sets s JOIN markets m ON m.id = s.market_id"
                            " WHERE m.slug = %s", [SLUG])["version"])  # fmt: skip


def declare() -> None:
    """Genesis, as an installation has it: markets, policy, people and their roles."""
    now = timezone.now()
    declare_demo_desk(now)
    write_policy(starting_policy(), authorised_by="genesis", actor_id="g", actor_name="g", reason="genesis", now=now)
    for name, role in PEOPLE.items():
        person = User.objects.create(username=name, password=make_password(None), is_staff=True)
        grant_role(person, role, authorised_by="genesis", reason="genesis", now=now)


@contextmanager
def attacked() -> Iterator[Desk]:
    declare()
    url, owner_url = SERVERS.database_url(DATABASE_NAME), SERVERS.database_url(DATABASE_NAME, "dcmm_owner")
    with (
        psycopg.connect(url, autocommit=True, connect_timeout=5, row_factory=dict_row) as app,
        psycopg.connect(owner_url, autocommit=True, connect_timeout=5, row_factory=dict_row) as owner,
    ):
        owner.execute("UPDATE governance_genesis SET is_open = false")
        yield Desk(app, owner)


def refusal(call: Any) -> str:
    """The service's coded refusal. Fails if it passes."""
    from governance.review.errors import ReviewRefused

    with pytest.raises(ReviewRefused) as caught:
        call()
    return str(caught.value.code)
