"""One idempotency key, one command: what every verb of review does around its work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.locks import lock_proposals
from trading.controls.commands import Actor, ControlRefused, done_before, require_key, require_reason, write_receipt
from trading.locks import lock_command


def once(
    verb: str,
    key: str,
    arguments: Any,
    actor: Actor,
    now: datetime,
    work: Callable[[], Proposal],
) -> Proposal:
    """`work` in one transaction with its receipt; what it made before, where `key` was used for the same command.

    Raises `ReviewRefused` where the key cannot be one, or was another command's.
    """
    return _once(verb, key, arguments, actor, now, (), lambda _found: work())


def once_on(
    verb: str,
    key: str,
    arguments: Any,
    actor: Actor,
    now: datetime,
    proposal_id: int,
    work: Callable[[Proposal], Proposal],
) -> Proposal:
    """As `once`, on a proposal whose row is locked first. Raises `ReviewRefused` ("unknown") where there is none."""
    return _once(verb, key, [proposal_id, arguments], actor, now, (proposal_id,), lambda found: work(found[0]))


def _once(
    verb: str,
    key: str,
    arguments: Any,
    actor: Actor,
    now: datetime,
    ids: tuple[int, ...],
    work: Callable[[Sequence[Proposal]], Proposal],
) -> Proposal:
    try:
        require_key(key)
        command_hash = digest([verb, actor.id, arguments])
        with transaction.atomic():
            found = lock_proposals(ids)
            if len(found) != len(ids):
                raise ReviewRefused("unknown", _("There is no such proposal."))
            lock_command(key)
            if (done := done_before(key, command_hash)) is not None:
                return Proposal.objects.get(pk=done["proposal"])
            proposal = work(found)
            result = {"proposal": proposal.pk, "state": str(proposal.state)}
            write_receipt(key, f"review.{verb}", command_hash, result, actor, now)
            return proposal
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused
    except IntegrityError as problem:
        # A guard said no to what the services let through; everything of the transaction was taken back.
        raise ReviewRefused("database_refused", str(problem).split("\n")[0]) from problem


def done_already(verb: str, key: str, proposal_id: int, arguments: Any, actor: Actor) -> Proposal | None:
    """What `once_on` made of this very command before, for doors that must know before they use up a second factor.

    Raises `ReviewRefused` ("key_used") where the key was another command's.
    """
    try:
        done = done_before(key, digest([verb, actor.id, [proposal_id, arguments]]))
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused
    return None if done is None else Proposal.objects.get(pk=done["proposal"])


def reason_of(text: str) -> str:
    """The reason without surrounding space, 3 to 500 characters. Raises `ReviewRefused`."""
    try:
        return require_reason(text)
    except ControlRefused as refused:
        raise ReviewRefused(refused.code, str(refused)) from refused
