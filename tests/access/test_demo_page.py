"""`/demo/` shows passwords and codes: on this machine alone, with DEBUG alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as live
from django.test import Client

from governance.access.demo import create_demo_people, demo_people
from governance.access.roles import roles_of
from governance.models import TotpDevice, User


@pytest.fixture
def people(db: None, valkey: str, settings: object, tmp_path: Path) -> Iterator[Path]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DEBUG, settings.DATA_DIRECTORY = True, tmp_path
    file = tmp_path / "secrets" / "demo-people"
    created = create_demo_people(file, datetime.now(UTC))
    assert created == ["operator", "approver", "approver-2", "compliance", "compliance-2", "auditor", "administrator"]
    yield file


def test_everybody_signs_in_with_what_the_page_shows(people: Path) -> None:
    page = Client().get("/demo/", headers={"Host": "127.0.0.1:8000"}).content.decode()
    rows = re.findall(r'data-person="([\w-]+)".*?data-password>([^<]+)<.*?data-code>(\d{6})<', page, re.DOTALL)
    assert [name for name, _, _ in rows] == [
        "operator", "approver", "approver-2", "compliance", "compliance-2", "auditor", "administrator",
    ]  # fmt: skip
    for name, password, code in rows:
        client = Client()
        client.post("/accounts/sign-in/", {"username": name, "password": password})
        assert client.post("/accounts/second-factor/", {"code": code}).headers["Location"] == "/desk/", name
    assert roles_of(User.objects.get(username="approver-2")) == {"approver"}


def test_a_used_code_gives_way_to_the_next(people: Path) -> None:
    now = datetime.fromtimestamp(1_800_000_010, UTC)
    first = demo_people(people, now)[0]
    assert first.seconds_left == 20
    TotpDevice.objects.filter(person__username="operator").update(last_step=60_000_000)
    second = demo_people(people, now)[0]
    assert (second.code != first.code, len(second.code), second.seconds_left) == (True, 6, 50)
    TotpDevice.objects.filter(person__username="operator").update(last_step=60_000_001)
    assert demo_people(people, now)[0].code == ""


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("203.0.113.7", {}),
        ("10.0.0.1", {}),
        ("", {}),
        ("127.0.0.1", {"Host": "portal.example"}),
        ("127.0.0.1", {"Host": "127.0.0.1.example"}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"X-Forwarded-Host": "localhost"}),
        ("127.0.0.1", {"X-Real-IP": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"Via": "1.1 proxy"}),
    ],
)
def test_refused_from_elsewhere(people: Path, settings: object, peer: str, headers: dict[str, str]) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    answer = Client().get("/demo/", REMOTE_ADDR=peer, headers={"Host": "localhost:8000"} | headers)
    assert (answer.status_code, "data-password" in answer.content.decode()) == (404, False)


def test_refused_without_debug(people: Path, settings: object) -> None:
    settings.DEBUG = False
    answer = Client().get("/demo/", headers={"Host": "localhost:8000"})
    assert (answer.status_code, "data-password" in answer.content.decode()) == (404, False)
    assert "/demo/" not in Client().get("/accounts/sign-in/", headers={"Host": "localhost:8000"}).content.decode()


def test_the_file_is_its_owners_and_people_are_made_once(people: Path) -> None:
    assert people.stat().st_mode & 0o777 == 0o600
    before = people.read_text()
    assert create_demo_people(people, datetime.now(UTC)) == []
    assert people.read_text() == before
    assert demo_people(people.with_name("nothing"), datetime.now(UTC)) == []


def test_the_ready_message_names_the_page_and_only_the_web_server_gets_debug(tmp_path: Path) -> None:
    from dcmm_portal.supervisor.system import System

    def system(**given: str) -> System:
        made = System(
            tmp_path, 8000, {"DATABASE_URL": "postgresql://x@127.0.0.1/x", "REDIS_URL": "redis://127.0.0.1"} | given
        )
        made.prepare_folders()
        return made

    def debugged(made: System) -> set[str]:
        return {one.name for one in made.portal() if one.environment.get("DEBUG") == "1"}

    assert debugged(system()) == {"web"}
    assert debugged(system(DEBUG="0")) == set()
    assert debugged(system(HOST="0.0.0.0")) == set()
    assert debugged(system(VENUE_DEX_URL="https://venue.example")) == set()
    assert live.WHITENOISE_AUTOREFRESH is False
