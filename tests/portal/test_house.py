"""The house itself: roles, grants, guards, as the application role meets them."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction

pytestmark = pytest.mark.django_db


def refused(statement: str) -> str:
    """Run `statement` as the application role and return the error's text; fails if it passes."""
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return str(caught.value)


def test_the_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("dcmm_app",)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE anything (a int)",
        "CREATE TEMP TABLE anything (a int)",
        "CREATE SCHEMA mine",
        "CREATE VIEW v AS SELECT 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE fills",
        "TRUNCATE fills",
        "TRUNCATE outbox",
        "ALTER TABLE fills ADD COLUMN a int",
        "ALTER TABLE fills DISABLE TRIGGER ALL",
        "DROP TRIGGER fills_fee_once ON fills",
        "ALTER ROLE dcmm_app SUPERUSER",
        "CREATE ROLE other",
        "SET ROLE dcmm_owner",
        "SET session_replication_role = replica",
        "CREATE DATABASE other",
        "COPY fills TO '/tmp/x'",
    ],
)
def test_the_application_role_cannot_change_the_schema(statement: str) -> None:
    if statement == "CREATE DATABASE other":
        # Refused for another reason inside a transaction; the right itself is asked for.
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolcreatedb OR rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (False,)
        return
    assert any(word in refused(statement) for word in ("permission denied", "must be owner", "must be superuser"))


@pytest.mark.parametrize("table", ["events", "cash_movements", "decisions", "mm_state", "parameter_sets_history"])
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "UPDATE {} SET id = id"])
def test_tables_of_record_only_grow(table: str, verb: str) -> None:
    if table == "parameter_sets_history":
        verb = verb.replace("SET id = id", "SET version = version")
    assert "permission denied" in refused(verb.format(table))


def test_no_table_is_owned_and_the_check_agrees() -> None:
    call_command("check", databases=["default"])


def test_the_reader_sees_public_views_only(servers) -> None:
    import psycopg

    from tests.support.plugin import DATABASE_NAME

    with psycopg.connect(
        servers.database_url(DATABASE_NAME, "dcmm_read"), autocommit=True, connect_timeout=5
    ) as reader:
        reader.execute("SELECT * FROM public_markets")
        for table in ("markets", "fills", "positions", "users", "events", "parameter_sets"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM {table}")


def test_decision_partitions_are_made_by_the_function_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ensure_decision_partitions(5)")
        assert cursor.fetchone()[0] >= 0
        with pytest.raises((ProgrammingError, DatabaseError)), transaction.atomic():
            cursor.execute("SELECT ensure_decision_partitions(400)")
