"""What every command on trading states shares: who, why, and that one key does it once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _

from trading.locks import lock_controls
from trading.models import CommandReceipt, Market, TradingControl

DESK = "desk"
OPERATOR = "operator"
APPROVER = "approver"
REASON_MIN, REASON_MAX = 3, 500
KEY_MAX = 80


class ControlRefused(Exception):
    """The command was refused; the message says why and what to do. Nothing was changed.

    `reasons` are the coded checks that failed, as market:reason, where `code` is "checks_red".
    """

    def __init__(self, code: str, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Actor:
    """Who commands, as the door that signed them in knows them. `roles` are role names."""

    id: str
    name: str
    roles: frozenset[str]


def require_operator(actor: Actor) -> None:
    """Raises `ControlRefused` for anybody who is not an operator."""
    if OPERATOR not in actor.roles:
        raise ControlRefused("not_operator", _("Only an operator may do this."))


def require_approver(actor: Actor) -> None:
    """Raises `ControlRefused` for anybody who is not an approver."""
    if APPROVER not in actor.roles:
        raise ControlRefused("not_approver", _("Only an approver may do this."))


def require_reason(reason: str) -> str:
    """The reason without surrounding space: 3 to 500 characters, the same at every door. Raises `ControlRefused`."""
    text = reason.strip()
    if len(text) < REASON_MIN or "\x00" in text:
        raise ControlRefused("no_reason", _("A reason of at least 3 characters is needed."))
    if len(text) > REASON_MAX:
        raise ControlRefused("long_reason", _("The reason is longer than 500 characters."))
    return text


def require_key(key: str) -> None:
    """Raises `ControlRefused` unless `key` can be an idempotency key."""
    if not key or len(key) > KEY_MAX or "\x00" in key:
        raise ControlRefused("bad_key", _("An idempotency key of 1 to 80 characters is needed."))


def require_scope(scope: str) -> None:
    """Raises `ControlRefused` unless `scope` is the desk or a market."""
    if "\x00" in scope or (scope != DESK and not Market.objects.filter(slug=scope).exists()):
        raise ControlRefused(
            "unknown_scope", _("There is no market “%(scope)s”.") % {"scope": scope.replace("\x00", "")}
        )


@contextmanager
def refused_by_database() -> Iterator[None]:
    """A guard's no, as `ControlRefused` ("database_refused"): it judges by the database's clock, which may be ahead of ours.

    Nothing more can be asked of the transaction around it, which must end.
    """
    try:
        yield
    except IntegrityError as problem:
        message = _(
            "The database does not allow this: %(why)s. If that is not so on the desk, this machine’s clock is wrong: set its "
            "time right, then try again."
        )
        raise ControlRefused("database_refused", message % {"why": str(problem).split("\n")[0]}) from problem


def locked_control(scope: str) -> TradingControl:
    """The scope's control row, locked until the end of the transaction; it protects the scope's locks and requests too."""
    rows = lock_controls([scope])
    if not rows:
        raise ControlRefused("no_control", _("“%(scope)s” has no trading control.") % {"scope": scope})
    return rows[0]


def fingerprint(*parts: str) -> str:
    """Hash of what makes a command this command."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def done_before(key: str, command_hash: str) -> dict[str, Any] | None:
    """What this command did when its key was used before. Raises `ControlRefused` when that was another command."""
    receipt = CommandReceipt.objects.filter(key=key).first()
    if receipt is None:
        return None
    if receipt.fingerprint != command_hash:
        raise ControlRefused("key_used", _("This idempotency key was used for another command."))
    return dict(receipt.result)


def write_receipt(
    key: str, command: str, command_hash: str, result: dict[str, Any], actor: Actor, now: datetime
) -> None:
    """Remember what the command did, in its transaction."""
    CommandReceipt.objects.create(
        key=key, command=command, fingerprint=command_hash, result=result, actor_id=actor.id, created_at=now
    )


def aggregate(scope: str) -> str:
    """The event aggregate of a scope's states."""
    return f"control:{scope}"
