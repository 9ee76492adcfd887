"""`manage.py controls` and `kill`: a login name tightens at once; what loosens is a person of the portal's."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review.policies import write_policy
from governance.review.rollback import prepare_after_kill
from governance.review.starting_policy import starting_policy
from tests.controls.green import compared, green
from tests.pages import stage
from tests.review.clock import database_time_kept, set_database_time
from tests.review.desk import SAFER, force_version
from tests.support.demo import declare_two_markets
from trading.controls.kill import KillResult
from trading.controls.services import ControlResult, impose_lock, kill
from trading.management.commands import kill as kill_command
from trading.models import TradingControl

DEX = stage.DEX


@pytest.fixture
def shell(db: None, redis_url: str, settings: Any) -> None:
    # A strong hash would let the feed grow old between the commands.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    now = datetime.now(UTC)
    declare_two_markets(now - timedelta(days=2))
    green(now)
    stage.enrol(stage.person("olga", Role.OPERATOR, password=stage.PASSWORD))
    stage.enrol(stage.person("anna", Role.APPROVER, password=stage.PASSWORD))


@pytest.fixture
def run(shell: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    def command(
        *words: str, name: str = "controls", password: str = stage.PASSWORD, code: str = "", by: str = ""
    ) -> str:
        person = User.objects.filter(username=by).first()
        used = code or ("" if person is None else stage.next_code(person))
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n{used}\n"))
        out = io.StringIO()
        call_command(name, *words, stdout=out, reason="it is over", username=by)
        return out.getvalue().strip()

    return command


def control() -> tuple[str, str]:
    row = TradingControl.objects.get(scope=DEX)
    return row.state, row.actor_name


def test_a_login_name_tightens_at_once_and_loosens_nothing(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "root-at-desk")
    assert run("pause", DEX) == f"{DEX} is PAUSED (version 2)"
    assert control() == ("PAUSED", "root-at-desk")
    for action in ("resume", "reduce"):
        with pytest.raises(CommandError, match="--as NAME"):
            run(action, DEX)
    with pytest.raises(CommandError, match="wrong"):
        run("resume", DEX, by="olga", password="wrong")
    with pytest.raises(CommandError, match="wrong"):
        run("resume", DEX, by="olga", code="000000")
    with pytest.raises(CommandError, match="operator"):
        run("resume", DEX, by="anna")
    assert control() == ("PAUSED", "root-at-desk")
    run("reduce", DEX, by="olga")
    assert control() == ("REDUCING", "olga")
    assert run("resume", DEX, by="olga") == f"{DEX} is ACTIVE (version 4)"


def test_a_lock_is_not_lifted_by_a_login_name(run: Any) -> None:
    """The control says active already: what would be loosened is the lock."""
    impose_lock(DEX, "reducing", "breaker", "a jump", imposed_by="quoting", now=datetime.now(UTC))
    with pytest.raises(CommandError, match="--as NAME"):
        run("resume", DEX)
    run("resume", DEX, by="olga")


def test_the_checks_and_two_people_hold_at_the_shell_too(run: Any) -> None:
    run("pause", DEX)
    compared(DEX, datetime.now(UTC), equal=False)
    with pytest.raises(CommandError, match="Not every check passes"):
        run("resume", DEX, by="olga")
    run("kill", DEX)
    with pytest.raises(CommandError, match="two people"):
        run("resume", DEX, by="olga")
    for old in ("ask", "confirm", "refuse", "requests"):
        with pytest.raises(CommandError, match="invalid choice"):
            run(old, DEX, by="olga")


def test_while_a_review_is_overdue_nothing_is_loosened_at_the_shell(run: Any) -> None:
    from governance.review.drafting import propose

    now, olga = datetime.now(UTC), User.objects.get(username="olga")
    write_policy(starting_policy(), authorised_by="genesis", actor_id="g", actor_name="g", reason="first", now=now)
    run("pause", DEX)
    with database_time_kept():
        then = now - timedelta(hours=25)
        set_database_time(then)
        propose(olga, "parameters", None, SAFER, "safer", key="s1", now=then, apply_at_once=True)
        set_database_time(now)
        with pytest.raises(CommandError, match="has not been reviewed in time"):
            run("resume", DEX, by="olga")
        run("kill", DEX, by="olga")
    assert control() == ("HALTED", "olga")


def cleared(scope: str, **given: Any) -> KillResult:
    """The gate alone; orders and venues are other tests' matter."""
    given.pop("cancel_directly")
    return KillResult(kill(scope, **given), (), 0.1)


def test_a_kill_by_a_person_prepares_the_way_back(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill_command, "kill_switch", cleared)
    now = datetime.now(UTC)
    write_policy(starting_policy(), authorised_by="genesis", actor_id="g", actor_name="g", reason="first", now=now)
    force_version(DEX, {"spread_floor_bps": "4"}, now)
    with pytest.raises(CommandError, match="wrong"):
        run(DEX, name="kill", by="olga", code="000000")
    assert control()[0] == "ACTIVE"
    assert "is halted" in run(DEX, name="kill", by="olga")
    (made,) = prepare_after_kill(datetime.now(UTC))
    draft = Proposal.objects.get(pk=made)
    assert (draft.proposer_name, draft.state, draft.rolls_back_to) == ("olga", "DRAFT", f"{DEX}@1")


def test_a_kill_does_not_wait_for_who_cannot_sign_in(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While PostgreSQL is away nobody signs in: the kill goes on under the login name."""

    def away(username: str) -> None:
        raise OperationalError("the server is not there")

    seen: list[str] = []

    def killed(scope: str, **given: Any) -> KillResult:
        seen.append(given["actor"].id)
        return KillResult(ControlResult(scope, "HALTED", 2), (), 0.1)

    monkeypatch.setenv("LOGNAME", "root-at-desk")
    monkeypatch.setattr(kill_command, "signed_in", away)
    monkeypatch.setattr(kill_command, "kill_switch", killed)
    monkeypatch.setattr(kill_command.connection, "close", lambda: None)
    run(DEX, name="kill", by="olga")
    assert seen == ["shell:root-at-desk"]
