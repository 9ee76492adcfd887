"""Headers and cookies of a server that others reach, by the Observatory's rules; `check --deploy` has nothing to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from governance.access.roles import Role
from ops.check import deploy_environment
from tests.access.observatory import score
from tests.pages import stage
from tests.support.plugin import DATABASE_NAME, SERVERS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "/",
    "/definitions/",
    "/accounts/sign-in/",
    "/accounts/link/",
    "/nothing/",
    "/healthz",
    "/api/v1/public/markets/",
]
DEPLOYED = deploy_environment() | {"ALLOWED_HOSTS": "portal.example"}
ASK = """
import django, json, sys
django.setup()
from django.test import Client
told = {}
for path in json.loads(sys.argv[1]):
    answer = Client().get(path, secure=True, headers={"Host": "portal.example"})
    cookies = [one.OutputString() for one in answer.cookies.values()]
    told[path] = [answer.status_code, dict(answer.headers), cookies, answer.content.decode()[:20000]]
plain = Client().get("/", headers={"Host": "portal.example"})
told["http"] = [plain.status_code, dict(plain.headers), [], ""]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def answers() -> dict[str, list]:
    """What a process configured for deployment answers; its settings are read at the start."""
    environment = os.environ | DEPLOYED | {"DATABASE_URL": SERVERS.database_url(DATABASE_NAME)}
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(PAGES)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_scores_an_a_plus(answers: dict[str, list], path: str) -> None:
    _status, headers, cookies, body = answers[path]
    found = score(headers, cookies, body)
    assert not [rule for rule, points in found.rules.items() if points < 0]
    assert found.total >= 120, found.rules
    assert "<script>" not in body and " style=" not in body and "onclick" not in body


def test_the_rules_notice_what_is_missing() -> None:
    bare = score({}, ["sessionid=x; Path=/"], '<script src="https://elsewhere.example/x.js"></script>')
    assert bare.total == 0
    admin = score({"Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'"}, [], "")
    assert admin.rules["csp-implemented-with-unsafe-inline"] == -20


def test_plain_http_is_sent_to_https_first(answers: dict[str, list]) -> None:
    status, headers, _cookies, _body = answers["http"]
    assert (status, headers["Location"]) == (301, "https://portal.example/")


def test_browsers_are_given_no_camera_but_keys(answers: dict[str, list]) -> None:
    policy = answers["/"][1]["Permissions-Policy"]
    assert "camera=()" in policy and "geolocation=()" in policy
    assert "publickey-credentials-get=(self)" in policy


def test_cookies_are_secure_and_not_for_scripts(answers: dict[str, list]) -> None:
    (csrf,) = answers["/accounts/sign-in/"][2]
    assert all(word in csrf for word in ("csrftoken=", "HttpOnly", "Secure", "SameSite=Lax"))


def test_the_sessions_cookie(desk: None, settings: object) -> None:
    settings.SESSION_COOKIE_SECURE = True
    client = Client()
    person = stage.enrol(stage.person("anna", Role.APPROVER, password=stage.PASSWORD))
    client.post("/accounts/sign-in/", {"username": "anna", "password": stage.PASSWORD})
    cookie = client.post("/accounts/second-factor/", {"code": stage.next_code(person)}).cookies["sessionid"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["max-age"]) == (True, True, "Lax", "")


def test_pages_with_secrets_are_not_kept(desk: None, client: Client) -> None:
    for address in ("/accounts/sign-in/", "/accounts/second-factor/", "/accounts/link/", "/accounts/link/x/", "/demo/"):
        assert "no-store" in client.get(address).headers["Cache-Control"], address


def test_check_deploy_is_clean() -> None:
    environment = {
        name: value for name, value in (os.environ | DEPLOYED).items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
