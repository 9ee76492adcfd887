"""A superuser with a shell of the machine: force in SQL, the commands there are, and the process' environment."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.utils import ConnectionHandler

from dcmm_portal.checks import application_role_is_powerless
from dcmm_portal.settings.database import database_from_url
from governance.models import User
from tests.attacks.desk import Desk, Refused
from tests.attacks.held import governed
from tests.attacks.test_votes_by_sql import VOTE
from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.servers import BASE_DIR

# statement → what PostgreSQL says
FORCE = {
    "SET ROLE dcmm_owner": "permission denied",
    "SET SESSION AUTHORIZATION dcmm_owner": "permission denied",
    "SET session_replication_role = replica": "permission denied",
    "SELECT set_config('session_replication_role', 'replica', true)": "permission denied",
    "DO $$ BEGIN PERFORM set_config('session_replication_role', 'replica', false); END $$": "permission denied",
    "ALTER ROLE dcmm_app SUPERUSER": "permission denied",
    "ALTER ROLE dcmm_owner PASSWORD 'mine'": "permission denied",
    "GRANT dcmm_owner TO dcmm_app": "permission denied",
    "ALTER TABLE votes DISABLE TRIGGER ALL": "must be owner",
    "ALTER TABLE votes DISABLE TRIGGER votes_guard": "must be owner",
    "DROP TRIGGER votes_guard ON votes": "must be owner",
    "CREATE TRIGGER mine BEFORE INSERT ON votes FOR EACH ROW EXECUTE FUNCTION refuse_change()": "permission denied",
    "CREATE RULE mine AS ON INSERT TO votes DO INSTEAD NOTHING": "must be owner",
    "ALTER TABLE votes DISABLE ROW LEVEL SECURITY": "must be owner",
    "ALTER TABLE votes OWNER TO dcmm_app": "must be owner",
    "ALTER TABLE parameter_sets DROP COLUMN authorised_by": "must be owner",
    "DROP TABLE votes CASCADE": "must be owner",
    "CREATE OR REPLACE FUNCTION governance.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now() + interval ''1 day'''":
        "permission denied",
    "CREATE OR REPLACE FUNCTION governance.genesis_is_open() RETURNS boolean LANGUAGE sql AS 'SELECT true'": "permission denied",
    "ALTER FUNCTION governance.now() SET search_path = mine": "must be owner",
    "ALTER FUNCTION governance.now() RENAME TO later": "must be owner",
    "DROP FUNCTION governance.guard_votes() CASCADE": "must be owner",
    "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT clock_timestamp()'": "permission denied",
    "CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT clock_timestamp()'": "permission denied",
    "CREATE TEMP TABLE governance_genesis AS SELECT 1 AS id, true AS is_open": "permission denied",
    "CREATE SCHEMA mine": "permission denied",
    "CREATE EXTENSION dblink": "permission denied",
    "UPDATE pg_trigger SET tgenabled = 'D'": "permission denied",
    "UPDATE governance_genesis SET is_open = true": "permission denied",
    "SELECT * FROM governance_genesis FOR UPDATE": "permission denied",
    "TRUNCATE votes CASCADE": "permission denied",
    "TRUNCATE parameter_sets_history": "permission denied",
    "COPY votes FROM PROGRAM 'cat'": "permission denied",
    "SELECT pg_read_file('postgresql.conf')": "permission denied",
    "SELECT lo_import('/etc/passwd')": "permission denied",
    "INSERT INTO exposure_limits SELECT * FROM exposure_limits ON CONFLICT (id) DO UPDATE SET hard_limit = 9e9":
        "only by an approved proposal",
    "MERGE INTO exposure_limits e USING markets m ON true WHEN MATCHED THEN UPDATE SET hard_limit = 10 ^ 9":
        "only as its next version",
    "WITH x AS (UPDATE exposure_limits SET hard_limit = 10 ^ 9 RETURNING 1) SELECT * FROM x": "only as its next version",
}  # fmt: skip


@pytest.mark.attacks("exposure_limits.*", "votes.*", "governance_genesis.*", "parameter_sets_history.*")
@pytest.mark.parametrize("door", ["cursor", "raw queryset", "psql"])
def test_force(desk: Desk, door: str) -> None:
    wrong = []
    for statement, phrase in FORCE.items():
        try:
            told = desk.refused(statement) if door == "psql" else _by_django(door, statement)
        except Refused:
            told = "not refused"
        if phrase not in told:
            wrong.append(f"{statement}: {told}")
    assert not wrong, "\n".join(wrong)


def _by_django(door: str, statement: str) -> str:
    try:
        with transaction.atomic():
            if door == "cursor":
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            else:
                list(User.objects.raw(statement.replace("%", "%%")))
            transaction.set_rollback(True)
    except DatabaseError as problem:
        return str(problem)
    raise Refused(statement)


COMMANDS: tuple[tuple[str, tuple[str, ...], dict[str, Any], str], ...] = (
    ("flush", ("--no-input",), {}, "permission denied|couldn't be flushed"),
    ("clean_old_history", ("--auto", "--days=-9"), {}, "permission denied"),
    ("migrate", (), {}, "owner"),
    ("bootstrap", ("--demo",), {}, "owner"),
    ("controls", ("resume", "dct-usdt-dex"), {"reason": "because"}, "needs a person of the portal"),
    ("sqlflush", (), {}, ""),
)


@pytest.mark.attacks("parameter_sets_history.*", "trading_controls.*", "users.is_superuser", "users.password")
def test_commands(held: dict[str, Any]) -> None:
    before, wrong = governed(), []
    for name, words, options, phrase in COMMANDS:
        told = ""
        try:
            with transaction.atomic():
                call_command(name, *words, stdout=io.StringIO(), stderr=io.StringIO(), **options)
                after = governed()
                transaction.set_rollback(True)
            told = "" if after == before else "something changed"
        except (CommandError, DatabaseError) as problem:
            told = str(problem)
        if (not phrase and told) or not any(one in told for one in phrase.split("|")):
            wrong.append(f"{name} {words}: {told or 'done'}, not {phrase}")
    assert not wrong, "\n".join(wrong)
    # Another superuser is another nobody.
    call_command("createsuperuser", "--no-input", username="zoe", email="z@localhost", stdout=io.StringIO())
    zoe = User.objects.get(username="zoe")
    assert (zoe.has_perm("trading.change_parameterset"), zoe.has_module_perms("trading"), zoe.groups.count()) == (
        False, False, 0
    )  # fmt: skip


@pytest.mark.attacks("users.password", "users.credentials_changed_at", "votes.*")
def test_a_password_changed_at_the_shell_takes_the_vote_away(held: dict[str, Any], desk: Desk) -> None:
    clara = User.objects.get(username="clara")
    clara.set_password("a-long-password-of-mine-7")
    clara.save()
    ballot = {"id": held["in_review"], "who": "clara", "choice": "approve", "hash": None}
    assert "may not vote" in desk.refused(VOTE, ballot)


@pytest.mark.attacks("users_groups.*", "votes.*")
def test_a_guardian_who_loses_the_membership_alone_votes_on_nothing(held: dict[str, Any], desk: Desk) -> None:
    """Guardian and approver in one: the row that says guardian is deleted, which the database lets happen."""
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    desk.app.execute(
        "INSERT INTO role_grants (user_id, role, granted_at, authorised_by, revoked_by_name, reason)"
        " SELECT id, 'compliance', now(), 'genesis', '', 'x' FROM users WHERE username = 'clara'"
    )
    desk.app.execute("INSERT INTO users_groups (user_id, group_id) SELECT u.id, g.id FROM users u, auth_group g"
                     " WHERE u.username = 'clara' AND g.name = 'compliance'")  # fmt: skip
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    User.objects.get(username="clara").groups.remove(User.objects.get(username="carl").groups.get())
    later = desk.in_review({"markets": {"gram-usdt-cex": {"beta": "0.6"}}})
    for made in (held["in_review"], later.pk):
        ballot = {"id": made, "who": "clara", "choice": "approve", "hash": None}
        assert "may not vote" in desk.refused(VOTE, ballot)


def test_a_process_that_is_given_the_owners_address_connects_to_nothing(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATABASE_URL in the environment, naming the owner: the process refuses at its first connection."""
    url = SERVERS.database_url(DATABASE_NAME, "dcmm_owner")
    powerful = connection.settings_dict | database_from_url(url)
    handler = ConnectionHandler({"default": connection.settings_dict, "powerful": powerful})
    with pytest.raises(ImproperlyConfigured, match="dcmm_app"):
        handler["powerful"].ensure_connection()
    monkeypatch.setattr("dcmm_portal.checks.connections", handler)
    assert [one.id for one in application_role_is_powerless(["powerful"])] == ["dcmm_portal.E002"]
    assert application_role_is_powerless(["default"]) == []
    handler.close_all()


LONG_RUNNING = {
    "market data": ("manage.py", "market_data"),
    "ledger": ("manage.py", "ledger"),
    "worker": ("-m", "celery", "-A", "dcmm_portal.celery", "worker", "--pool", "threads"),
    "beat": ("-m", "celery", "-A", "dcmm_portal.celery", "beat", "-s", "{there}/beat", "--pidfile="),
    "web": ("-m", "uvicorn", "dcmm_portal.asgi:application", "--port", "0"),
    "named as a command": ("-c", "import django, sys; sys.argv = ['other.py', 'migrate']; django.setup()"),
}


def test_no_process_that_runs_on_is_the_owner(tmp_path: Path) -> None:
    """DCMM_DB_ROLE=owner in the environment, with the owner's address: refused at the start, before any connection."""
    url = SERVERS.database_url(DATABASE_NAME, "dcmm_owner")
    environment = os.environ | {"DCMM_DB_ROLE": "owner", "DATABASE_OWNER_URL": url, "DATA_DIR": str(tmp_path)}
    started = {
        name: subprocess.Popen(
            [sys.executable, *(word.format(there=tmp_path) for word in words)], cwd=BASE_DIR, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for name, words in LONG_RUNNING.items()
    }  # fmt: skip
    try:
        for name, process in started.items():
            told = process.communicate(timeout=60)[1]
            assert (process.returncode != 0, "DCMM_DB_ROLE=owner is for manage.py" in told) == (True, True), (
                name,
                told,
            )
    finally:
        for process in started.values():
            process.kill()
