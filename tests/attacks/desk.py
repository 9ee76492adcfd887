"""A desk whose genesis is closed, attacked over the application's own connection; the owner's is used for the clock alone.

Each attack runs in a savepoint of the test's transaction, with everything asked that a commit asks: nothing has to be made anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone
from psycopg.rows import dict_row

from governance.access.grants import grant_role
from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review.applying import apply_at_once
from governance.review.drafting import propose, submit
from governance.review.policies import write_policy
from governance.review.previewing import PREVIEWS, attach_preview
from governance.review.starting_policy import starting_policy
from governance.review.step_up import StepUp
from governance.review.voting import vote
from tests.review.clock import database_time_kept, hear_of_it
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


class App:
    """The test's own connection as `dcmm_app`, which an intruder with its password has too; statements as psql sends them."""

    def execute(self, statement: LiteralString, values: Any = None) -> psycopg.Cursor[dict[str, Any]]:
        connection.ensure_connection()
        return connection.connection.cursor(row_factory=dict_row).execute(statement, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Statements that belong together, with all that their commit would ask."""
        connection.ensure_connection()
        with connection.connection.transaction():
            yield
            self.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self.execute("SET CONSTRAINTS ALL DEFERRED")


class Desk:
    """`app` is an intruder's connection; `owner` moves the database's clock."""

    def __init__(self, owner: psycopg.Connection[dict[str, Any]]) -> None:
        self.app, self.owner = App(), owner
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
        hear_of_it()

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

    def close(self, name: str, by: str = "adam") -> Proposal:
        draft = self.draft({"username": name, "action": "close"}, "account", by)
        now = self.now()
        return apply_at_once(self.people[by], draft.pk, key=uuid.uuid4().hex, now=now, step_up=StepUp("totp", now))

    def approved(self, change: dict[str, Any], kind: str = "parameters", by: str = "olga") -> Proposal:
        made = self.in_review(change, kind, by)
        self.vote(made, "anna")
        return self.vote(made, "boris")

    def refused(self, statement: LiteralString, values: Any = None) -> str:
        """Run the attack as one transaction with all that its commit would ask; the refusal's text. Fails if it passes."""
        try:
            with connection.connection.transaction():
                self.app.execute(statement, values)
                self.app.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as problem:
            return str(problem).split("\n")[0]
        raise Refused(f"not refused: {statement}")

    def one(self, query: LiteralString, values: Any = None) -> dict[str, Any]:
        row = self.app.execute(query, values).fetchone()
        assert row is not None
        return row

    def version(self) -> int:
        return int(self.one("SELECT s.version FROM parameter_sets s JOIN markets m ON m.id = s.market_id"
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
def attacked() -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """The desk within the caller's transaction, and the owner's connection; genesis and clock are put back afterwards."""
    declare()
    owner_url = SERVERS.database_url(DATABASE_NAME, "dcmm_owner")
    with (
        database_time_kept(),
        psycopg.connect(owner_url, autocommit=True, connect_timeout=5, row_factory=dict_row) as owner,
    ):
        owner.execute("UPDATE governance_genesis SET is_open = false")
        try:
            yield owner
        finally:
            owner.execute("UPDATE governance_genesis SET is_open = true")


def refusal(call: Any) -> str:
    """The service's coded refusal. Fails if it passes."""
    from governance.review.errors import ReviewRefused

    with pytest.raises(ReviewRefused) as caught:
        call()
    return str(caught.value.code)
