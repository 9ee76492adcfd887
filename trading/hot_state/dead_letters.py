"""What was set aside for people: read it, take one out, send a decision through once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from trading.hot_state import keys
from trading.hot_state.codec import HotStateCorrupt, decode
from trading.hot_state.decisions import KEPT
from trading.hot_state.inbox import LARGEST_BODY, InboxValue
from trading.hot_state.values import CursorMove, RawFill, RawTransfer

PAGE = 500
# KEYS: letters, stream. ARGV: letter, approximate bound of the stream. The letter leaves when its content is in the stream.
_SEND_AGAIN = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local fields = found[1][2]
for i = 1, #fields, 2 do
  if fields[i] == 'd' then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'd', fields[i + 1]) end
end
return redis.call('XDEL', KEYS[1], ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """One entry: `letter_id` in its stream of letters, `reason` coded or the class of an error, `body` as it was received."""

    letter_id: str
    reason: str
    body: bytes

    @property
    def at_ms(self) -> int:
        """When it was set aside, ms since the epoch."""
        return int(self.letter_id.split("-")[0])


def inbox_letters(client: redis.Redis, limit: int) -> list[Letter]:
    """Inbox entries set aside, newest first. Raises RedisError."""
    return _letters(client.xrevrange(keys.DEAD_LETTERS, count=limit), b"b")


def decision_letters(client: redis.Redis, limit: int) -> list[Letter]:
    """Decisions set aside, newest first. Raises RedisError."""
    return _letters(client.xrevrange(keys.DECISION_DEAD_LETTERS, count=limit), b"d")


def inbox_letter(client: redis.Redis, letter_id: str) -> Letter | None:
    return next(iter(_letters(client.xrange(keys.DEAD_LETTERS, letter_id, letter_id), b"b")), None)


def decision_letter(client: redis.Redis, letter_id: str) -> Letter | None:
    return next(iter(_letters(client.xrange(keys.DECISION_DEAD_LETTERS, letter_id, letter_id), b"d")), None)


def _letters(raw: Any, body_field: bytes) -> list[Letter]:
    return [
        Letter(entry_id.decode(), fields.get(b"reason", b"").decode(errors="replace"), fields.get(body_field, b""))
        for entry_id, fields in raw
    ]


def value_of(body: bytes) -> InboxValue | None:
    """The fill, transfer or cursor move that an entry's body holds; None for anything else. No body fits two of them."""
    if not body or len(body) > LARGEST_BODY:
        return None
    kinds: tuple[type[InboxValue], ...] = (RawFill, RawTransfer, CursorMove)
    for kind in kinds:
        try:
            return decode(body, kind)
        except HotStateCorrupt:
            continue
    return None


def remove_inbox_letters(client: redis.Redis, booked: InboxValue) -> int:
    """Take out every letter that holds what `booked` is the identity of (it was booked); how many."""
    gone = [letter.letter_id for letter in _all(client) if is_same(value_of(letter.body), booked)]
    return int(client.xdel(keys.DEAD_LETTERS, *gone)) if gone else 0


def _all(client: redis.Redis) -> Iterator[Letter]:
    after = "-"
    while page := _letters(client.xrange(keys.DEAD_LETTERS, min=after, count=PAGE), b"b"):
        yield from page
        after = f"({page[-1].letter_id}"


def is_same(one: InboxValue | None, other: InboxValue) -> bool:
    """Equal but for how and when they came."""
    if isinstance(one, RawFill) and isinstance(other, RawFill):
        return (one.key, one.side, one.price, one.size) == (other.key, other.side, other.price, other.size)
    if isinstance(one, RawTransfer) and isinstance(other, RawTransfer):
        identity = (one.venue, one.account, one.transfer_id, one.asset, one.amount)
        return identity == (other.venue, other.account, other.transfer_id, other.asset, other.amount)
    return False


def send_decision_again(client: redis.Redis, letter_id: str) -> bool:
    """Put a decision back into its stream; False where the letter is gone."""
    names = (keys.DECISION_DEAD_LETTERS, keys.DECISION_STREAM)
    return client.eval(_SEND_AGAIN, len(names), *names, letter_id, KEPT) == 1
