"""A server like Supabase's: roles that its HTTP interface signs in as, and defaults that hand them everything."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from dcmm_portal import database_grants
from dcmm_portal.embedded import postgres
from tests.support.servers import TestServers

HOSTED = ("anon", "authenticated", "service_role")
NAME = f"hosted_{os.getpid()}"
REFUSED = psycopg.errors.InsufficientPrivilege
# As Supabase sets its `public` schema up.
DEFAULTS = """
GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, authenticated, service_role;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO anon, authenticated, service_role;
GRANT ALL ON ALL ROUTINES IN SCHEMA public TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE dcmm_owner IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE dcmm_owner IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE dcmm_owner IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
"""


@dataclass(frozen=True)
class Hosted:
    """A migrated database of its own with one row in it, on a server whose readers are named as Supabase's."""

    servers: TestServers

    def connect(self, role: str) -> psycopg.Connection:
        url = self.servers.cluster.url(role, self.servers.postgres_port, NAME)
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def acting_as(self, role: str) -> psycopg.Connection:
        """Supabase's roles have no password: its interface signs in and takes one on."""
        connection = self.connect(postgres.SUPERUSER)
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        return connection

    def tables(self) -> list[str]:
        """Every table of ours, partitions too."""
        with self.connect(postgres.OWNER_ROLE) as owner:
            query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            return sorted(row[0] for row in owner.execute(query))


@pytest.fixture(scope="module")
def alone(servers: TestServers) -> Iterator[None]:
    """Roles belong to the whole server: one worker at a time has them."""
    with (servers.root / "hosted-roles.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def hosted(alone: None, servers: TestServers) -> Iterator[Hosted]:
    servers.clone(NAME)
    made = Hosted(servers)
    with made.connect(postgres.SUPERUSER) as root:
        for role in HOSTED:
            bypass = sql.SQL("BYPASSRLS" if role == "service_role" else "NOBYPASSRLS")
            root.execute(sql.SQL("CREATE ROLE {} NOLOGIN NOINHERIT {}").format(sql.Identifier(role), bypass))
        root.execute(DEFAULTS)
    with made.connect(postgres.OWNER_ROLE) as owner:
        owner.execute(
            "INSERT INTO assets (id, name, decimals, chain_address) VALUES ('dct', 'DCT', 9, ''), ('usdt', 'USDT', 6, '')"
        )
        owner.execute("INSERT INTO venues (slug, name, kind, adapter) VALUES ('dex', 'DEX', 'order_book', 'ton_dex')")
        with owner.cursor() as cursor:
            database_grants.apply_grants(cursor)
    try:
        yield made
    finally:
        postgres.drop_database(servers.cluster, servers.postgres_port, NAME)
        with psycopg.connect(servers.cluster.url(postgres.SUPERUSER, servers.postgres_port, "postgres")) as root:
            for role in HOSTED:
                root.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize("role", HOSTED)
def test_hosted_roles_read_and_write_no_table(hosted: Hosted, role: str) -> None:
    with hosted.acting_as(role) as connection:
        for table in hosted.tables():
            name = sql.Identifier("public", table)
            for statement in ("SELECT 1 FROM {}", "DELETE FROM {}", "TRUNCATE {}", "INSERT INTO {} DEFAULT VALUES"):
                with pytest.raises(REFUSED):
                    connection.execute(sql.SQL(statement).format(name))
        for view in database_grants.PUBLIC_VIEWS:
            with pytest.raises(REFUSED):
                connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier("public", view)))


@pytest.mark.parametrize("role", HOSTED)
def test_hosted_roles_call_no_function_of_ours(hosted: Hosted, role: str) -> None:
    with hosted.connect(postgres.OWNER_ROLE) as owner, owner.cursor() as cursor:
        found = database_grants.functions(cursor)
        assert len(found) >= 8
        for function in found:
            cursor.execute("SELECT has_function_privilege(%s, %s, 'EXECUTE')", [role, function])
            assert cursor.fetchone() == (False,), function
    with hosted.acting_as(role) as connection, pytest.raises(REFUSED):
        connection.execute("SELECT public.ensure_decision_partitions(1)")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_readers_see_the_public_views_and_change_nothing_through_them(hosted: Hosted, role: str) -> None:
    with hosted.acting_as(role) as connection:
        for view in ("markets", "market_hours", "volume_days"):
            assert connection.execute(sql.SQL("SELECT * FROM dcmm_public.{}").format(sql.Identifier(view))).description
        for statement in ("DELETE FROM dcmm_public.markets", "UPDATE dcmm_public.markets SET is_active = false"):
            with pytest.raises(REFUSED):
                connection.execute(statement)
        with pytest.raises(REFUSED):
            connection.execute("CREATE TABLE dcmm_public.mine (a int)")


def test_the_service_role_reads_not_even_the_public_views(hosted: Hosted) -> None:
    with hosted.acting_as("service_role") as connection, pytest.raises(REFUSED):
        connection.execute("SELECT * FROM dcmm_public.markets")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_rights_given_by_mistake_still_show_and_change_no_row(hosted: Hosted, role: str) -> None:
    with hosted.connect(postgres.SUPERUSER) as root:
        root.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(role)))
        root.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(role)))
    try:
        with hosted.acting_as(role) as connection:
            for table in hosted.tables():
                rows = connection.execute(
                    sql.SQL("SELECT 1 FROM {}").format(sql.Identifier("public", table))
                ).fetchall()
                assert rows == [], table
            assert connection.execute("UPDATE public.assets SET name = 'mine'").rowcount == 0
            assert connection.execute("DELETE FROM public.assets").rowcount == 0
            with pytest.raises(REFUSED, match="permission denied for schema governance"):
                connection.execute(
                    "INSERT INTO public.assets (id, name, decimals, chain_address) VALUES ('x', 'x', 1, '')"
                )
            with pytest.raises(REFUSED, match="row-level security"):
                connection.execute(
                    "INSERT INTO public.lease_epochs (epoch, market, owner, granted_at) VALUES (1, 'x', 'x', now())"
                )
    finally:
        with hosted.connect(postgres.OWNER_ROLE) as owner, owner.cursor() as cursor:
            database_grants.apply_grants(cursor)


def test_the_application_works_under_its_policies(hosted: Hosted) -> None:
    with hosted.connect(postgres.APP_ROLE) as app:
        assert app.execute("SELECT count(*) FROM assets").fetchone() == (2,)
        assert app.execute("UPDATE assets SET name = 'Tether' WHERE id = 'usdt'").rowcount == 1
        assert app.execute("SELECT ensure_decision_partitions(30)").fetchone() is not None


def test_every_table_has_row_level_security_and_a_partition_made_later_too(hosted: Hosted) -> None:
    with hosted.connect(postgres.APP_ROLE) as app:
        app.execute("SELECT ensure_decision_partitions(31)")
    with hosted.connect(postgres.OWNER_ROLE) as owner:
        query = (
            "SELECT relname, relforcerowsecurity FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND (NOT relrowsecurity OR relforcerowsecurity)"
        )
        assert owner.execute(query).fetchall() == []
    newest = [table for table in hosted.tables() if table.startswith("decisions_2")][-1]
    with hosted.acting_as("anon") as connection, pytest.raises(REFUSED):
        connection.execute(sql.SQL("SELECT 1 FROM public.{}").format(sql.Identifier(newest)))


def test_a_function_nobody_declared_stops_the_migration(hosted: Hosted) -> None:
    with hosted.connect(postgres.OWNER_ROLE) as owner, owner.cursor() as cursor:
        cursor.execute("CREATE FUNCTION forgotten() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        try:
            with pytest.raises(database_grants.UndeclaredTable, match="forgotten"):
                database_grants.apply_grants(cursor)
        finally:
            cursor.execute("DROP FUNCTION forgotten()")


def test_rows_are_found_at_the_same_cost_as_without_policies(hosted: Hosted) -> None:
    """The policy is `true`: the planner drops it, no filter is left on the gate's way."""
    with hosted.connect(postgres.APP_ROLE) as app:
        plan = "\n".join(row[0] for row in app.execute("EXPLAIN SELECT 1 FROM trading_controls"))
    assert "Filter" not in plan
