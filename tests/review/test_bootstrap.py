"""The first rows, once, by the owner role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dcmm_portal.embedded import postgres
from tests.support.plugin import SERVERS, WORKER
from tests.support.servers import BASE_DIR

DATABASE = f"test_bootstrap_{WORKER}"


@pytest.fixture
def fresh() -> Iterator[str]:
    """Owner address of an empty, migrated database."""
    SERVERS.clone(DATABASE)
    yield SERVERS.cluster.url(postgres.OWNER_ROLE, SERVERS.postgres_port, DATABASE)
    postgres.drop_database(SERVERS.cluster, SERVERS.postgres_port, DATABASE)


def bootstrap(url: str, data: Path, role: str = "owner") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DCMM_DB_ROLE": role, "DATABASE_OWNER_URL": url, "DATA_DIR": str(data)}
    command = [sys.executable, "manage.py", "bootstrap", "--demo"]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120)


def test_it_writes_everything_once_and_closes_genesis(fresh: str, tmp_path: Path) -> None:
    done = bootstrap(fresh, tmp_path)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(fresh, autocommit=True) as connection:
        states = connection.execute("SELECT state, bool_and(is_demo) FROM proposals GROUP BY state").fetchall()
        assert sorted(states) == [
            (word, True)
            for word in (
                "APPLIED", "APPROVED", "CANCELLED", "CHANGES_REQUESTED", "DRAFT", "EXPIRED", "FAILED", "IN_REVIEW", "REJECTED",
                "SUPERSEDED", "WITHDRAWN",
            )
        ]  # fmt: skip
        assert connection.execute("SELECT is_open FROM governance_genesis").fetchall() == [(False,)]
        ((version, authorised_by, body),) = connection.execute(
            "SELECT version, authorised_by, body FROM review_policies"
        ).fetchall()
        assert (version, authorised_by) == (1, "genesis")
        assert json.loads(json.dumps(body))["classes"]["increasing"]["timelock_s"] == 60
        # Every membership has its grant, and no demo proposal changed a market.
        (without,) = connection.execute(
            "SELECT count(*) FROM users_groups m JOIN auth_group g ON g.id = m.group_id WHERE NOT EXISTS (SELECT 1 FROM "
            "role_grants r WHERE r.user_id = m.user_id AND r.role = g.name AND r.revoked_at IS NULL)"
        ).fetchone() or (None,)
        assert without == 0
        assert connection.execute("SELECT DISTINCT version FROM parameter_sets").fetchall() == [(1,)]
        names = connection.execute("SELECT username FROM users ORDER BY 1").fetchall()
        before = connection.execute("SELECT count(*) FROM events").fetchone()
    people = ["administrator", "approver", "approver-2", "auditor", "compliance", "compliance-2", "operator"]
    assert [name for (name,) in names] == people
    passwords = tmp_path / "secrets" / "demo-people"
    assert sorted(line.split()[0] for line in passwords.read_text().splitlines()) == people
    assert passwords.stat().st_mode & 0o777 == 0o600
    again = bootstrap(fresh, tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    with psycopg.connect(fresh, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == before


def test_only_the_owner_role_may(fresh: str, tmp_path: Path) -> None:
    done = bootstrap(fresh, tmp_path, role="app")
    assert done.returncode != 0 and "owner role" in done.stderr


def test_the_application_can_only_read_whether_genesis_is_open(db: None) -> None:
    from django.db import ProgrammingError, transaction

    from governance.models import GovernanceGenesis

    assert GovernanceGenesis.objects.get().is_open
    with pytest.raises(ProgrammingError), transaction.atomic():
        GovernanceGenesis.objects.update(is_open=True)
