"""What was set aside, for people to read and, once its cause is gone, to try again.

A letter is a quarantined fill or transfer (`quarantine:<number>`, kept in PostgreSQL), its copy in Redis (`inbox:<entry>`), or a
decision that no table could hold (`decision:<entry>`). Trying again goes the one way that every fill goes: what is booked
already is counted once, what still can't be booked stays set aside.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from trading.controls.commands import (
    Actor,
    ControlRefused,
    done_before,
    fingerprint,
    require_key,
    require_operator,
    require_reason,
    write_receipt,
)
from trading.events.services import record
from trading.hot_state import dead_letters as streams
from trading.hot_state.connection import sync_client
from trading.hot_state.inbox import InboxEntry, InboxValue
from trading.hot_state.values import CursorMove, RawFill, RawTransfer
from trading.ledger.processing import POISON, publish
from trading.ledger.quarantine import LOCK_RULE, impose_reducing
from trading.ledger.services import BatchOutcome, apply_batch
from trading.locks import lock_command
from trading.models import FillQuarantine
from trading.storable import storable_text

log = structlog.get_logger(__name__)
QUARANTINE, INBOX, DECISION = "quarantine", "inbox", "decision"
SHOWN = 200
_NAME = re.compile(rf"({QUARANTINE}):(\d{{1,18}})|({INBOX}|{DECISION}):(\d{{1,20}}-\d{{1,20}})")
QUEUED, REFUSED = "queued", "refused"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`name` is how it is asked for; `holds` is fill, transfer, cursor, decision or unreadable; `body` is as received."""

    name: str
    holds: str
    reason: str
    at: datetime
    subject: str
    body: str

    @property
    def can_be_retried(self) -> bool:
        return self.holds in ("fill", "transfer", "decision")


@dataclass(frozen=True, slots=True)
class RetryResult:
    """`outcome`: booked, duplicate, fee_added, ... as the ledger counts it; queued (a decision); or refused, with
    the coded `reason`. `repeated`: the same key had been used for it before, nothing was done again."""

    letter: str
    outcome: str
    reason: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    letter: DeadLetter
    value: InboxValue | None
    body: bytes


# --- reading ------------------------------------------------------------------------------------------------------------


def list_letters(limit: int = SHOWN) -> tuple[DeadLetter, ...]:
    """What is set aside and not resolved, newest first. Raises database errors and RedisError."""
    client = sync_client()
    rows = FillQuarantine.objects.filter(resolved_at__isnull=True).order_by("-id")[:limit]
    found = [_of_row(row).letter for row in rows]
    found += [_of_entry(one).letter for one in streams.inbox_letters(client, limit)]
    found += [_of_decision(one) for one in streams.decision_letters(client, limit)]
    return tuple(sorted(found, key=lambda letter: letter.at, reverse=True)[:limit])


def read_letter(name: str) -> DeadLetter:
    """One letter. Raises `ControlRefused` for a name that none has."""
    return _find(sync_client(), name).letter


def _find(client: redis.Redis, name: str, *, locked: bool = False) -> _Found:
    parts = _NAME.fullmatch(name)
    if parts is not None and parts[1]:
        rows = FillQuarantine.objects.filter(pk=int(parts[2]), resolved_at__isnull=True)
        row = (rows.select_for_update() if locked else rows).first()
        if row is not None:
            return _of_row(row)
    elif parts is not None and parts[3] == INBOX:
        if (entry := streams.inbox_letter(client, parts[4])) is not None:
            return _of_entry(entry)
    elif parts is not None and (entry := streams.decision_letter(client, parts[4])) is not None:
        return _Found(_of_decision(entry), None, entry.body)
    raise ControlRefused("letter_gone", _("Nothing is set aside under “%(name)s” (any more).") % {"name": name[:80]})


def _of_row(row: FillQuarantine) -> _Found:
    given = row.body
    body = given["text"].encode() if set(given) == {"text", "problem"} else json.dumps(given).encode()
    value = streams.value_of(body)
    letter = DeadLetter(
        f"{QUARANTINE}:{row.pk}", _holds(value), row.reason, row.seen_at, row.trade_key, body.decode(errors="replace")
    )
    return _Found(letter, value, body)


def _of_entry(entry: streams.Letter) -> _Found:
    value = streams.value_of(entry.body)
    return _Found(_letter(INBOX, entry, _holds(value), _subject(value)), value, entry.body)


def _of_decision(entry: streams.Letter) -> DeadLetter:
    return _letter(DECISION, entry, "decision", "")


def _letter(stream: str, entry: streams.Letter, holds: str, subject: str) -> DeadLetter:
    at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
    text = storable_text(entry.body.decode(errors="replace"))
    return DeadLetter(f"{stream}:{entry.letter_id}", holds, entry.reason, at, subject, text)


def _holds(value: InboxValue | None) -> str:
    words = {RawFill: "fill", RawTransfer: "transfer", CursorMove: "cursor"}
    return "unreadable" if value is None else words[type(value)]


def _subject(value: InboxValue | None) -> str:
    if isinstance(value, RawFill):
        return storable_text(value.key)
    return storable_text(value.transfer_id) if isinstance(value, RawTransfer) else ""


# --- trying again -------------------------------------------------------------------------------------------------------


def retry_letter(name: str, *, actor: Actor, reason: str, idempotency_key: str, now: datetime) -> RetryResult:
    """Send a letter the way it came once more, with its event. Raises `ControlRefused`, database errors and RedisError."""
    require_operator(actor)
    text = require_reason(reason)
    require_key(idempotency_key)
    command_hash = fingerprint("dead_letters.retry", name, actor.id)
    client = sync_client()
    with transaction.atomic():
        lock_command(idempotency_key)
        if (done := done_before(idempotency_key, command_hash)) is not None:
            return RetryResult(**done, repeated=True)
        # Whoever tries the same letter under another key waits, and finds it gone or as it was.
        lock_command(f"dead-letter:{name}"[:80])
        found = _find(client, name, locked=True)
        result, outcome = _carry_out(client, found, text, now)
        payload = {"letter": name, "holds": found.letter.holds, "subject": found.letter.subject, "why": text}
        payload |= {"outcome": result.outcome, "refused": result.reason}
        record(
            f"dead-letter:{name}", "dead_letter.retried", payload,
            actor_id=actor.id, actor_name=actor.name, occurred_at=now,
        )  # fmt: skip
        receipt = {part: value for part, value in asdict(result).items() if part != "repeated"}
        write_receipt(idempotency_key, "dead_letters.retry", command_hash, receipt, actor, now)
    if outcome is not None:
        publish(client, outcome)
        for contradiction in outcome.contradictions:
            impose_reducing(contradiction.scope, LOCK_RULE, contradiction.reason, now)
    log.info("dead_letter_retried", letter=name, outcome=result.outcome, refused=result.reason, actor=actor.name)
    return result


def _carry_out(client: redis.Redis, found: _Found, why: str, now: datetime) -> tuple[RetryResult, BatchOutcome | None]:
    letter = found.letter
    if not letter.can_be_retried:
        raise ControlRefused("not_retryable", _("This can only be read: it holds no fill, transfer or decision."))
    if found.value is None:
        if not streams.send_decision_again(client, letter.name.removeprefix(f"{DECISION}:")):
            raise ControlRefused(
                "letter_gone", _("Nothing is set aside under “%(name)s” (any more).") % {"name": letter.name}
            )
        return RetryResult(letter.name, QUEUED, ""), None
    try:
        outcome = apply_batch([InboxEntry(letter.name, found.value, found.body)], now)
    except POISON as problem:
        return RetryResult(letter.name, REFUSED, type(problem).__name__), None
    if outcome.set_aside:
        return RetryResult(letter.name, REFUSED, outcome.set_aside[0].reason), outcome
    _resolve(client, found.value, f"tried again: {why}", now)
    return RetryResult(letter.name, next(iter(sorted(outcome.counts)), "duplicate"), ""), outcome


def _resolve(client: redis.Redis, value: InboxValue, resolution: str, now: datetime) -> None:
    """What was booked is set aside no more, under whatever name."""
    waiting = FillQuarantine.objects.filter(resolved_at__isnull=True, trade_key=_key(value))
    same = [row.pk for row in waiting if streams.is_same(_of_row(row).value, value)]
    FillQuarantine.objects.filter(pk__in=same).update(resolved_at=now, resolution=resolution)
    streams.remove_inbox_letters(client, value)


def _key(value: InboxValue) -> str:
    """As the quarantine names it."""
    subject = _subject(value)
    if isinstance(value, RawTransfer):
        subject = storable_text(f"transfer|{value.venue}|{value.account}|{value.transfer_id}")
    return subject[:200]


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """For programs."""
    return asdict(letter) | {"at": letter.at.isoformat(), "can_be_retried": letter.can_be_retried}
