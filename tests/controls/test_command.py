"""`manage.py controls`: two people at a shell are two users of the portal, not two login names."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from governance.access.roles import Role
from tests.controls.green import green
from tests.pages import stage
from tests.support.demo import declare_two_markets
from trading.models import TradingControl

DEX = stage.DEX


def _run(monkeypatch: pytest.MonkeyPatch, *words: str, password: str = stage.PASSWORD, **options: Any) -> str:
    person = stage.User.objects.filter(username=options.get("username", "")).first()
    code = "" if person is None else stage.next_code(person)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n{code}\n"))
    out = io.StringIO()
    call_command("controls", *words, stdout=out, reason="it is over", **options)
    return out.getvalue().strip()


def test_two_people_at_the_shell(db: None, redis_url: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    # A strong hash would let the feed grow old between the commands.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    now = datetime.now(UTC)
    declare_two_markets(now)
    green(now)
    stage.enrol(stage.person("olga", Role.OPERATOR, password=stage.PASSWORD))
    stage.enrol(stage.person("anna", Role.APPROVER, password=stage.PASSWORD))
    _run(monkeypatch, "kill", DEX)
    for options, why in [({}, "--as"), ({"username": "olga", "password": "wrong"}, "wrong")]:
        with pytest.raises(CommandError, match=why):
            _run(monkeypatch, "ask", DEX, **options)
    with pytest.raises(CommandError, match="two people"):
        _run(monkeypatch, "resume", DEX)
    number = _run(monkeypatch, "ask", DEX, username="olga").split(":")[0].removeprefix("request ")
    assert f"{number} {DEX} kill, olga: it is over" in _run(monkeypatch, "requests")
    with pytest.raises(CommandError, match="approver"):
        _run(monkeypatch, "confirm", number, username="olga")
    with pytest.raises(CommandError, match="number"):
        _run(monkeypatch, "confirm", DEX, username="anna")
    green(datetime.now(UTC))
    assert _run(monkeypatch, "confirm", number, username="anna") == f"request {number}: CONFIRMED; {DEX} is ACTIVE"
    assert TradingControl.objects.get(scope=DEX).state == "ACTIVE"
