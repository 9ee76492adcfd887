"""How often somebody may try to sign in: counted in Redis by name and address, so that passwords cannot be guessed.

An attempt is counted before the password is looked at, so that many at once count as many. A success forgets the name's
attempts from that address. Counters end by themselves; what cannot be counted is not allowed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from trading.hot_state.connection import HotStateUnavailable, sync_client

WINDOW_S = 600
MOST_PER_NAME = 8
MOST_PER_ADDRESS = 40


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of the wish to try: allowed, or to wait `retry_s` seconds; None: it cannot be counted now."""

    is_allowed: bool
    retry_s: int | None = 0


def begin_attempt(name: str, address: str) -> Attempt:
    """Count an attempt of `name` from `address` and say whether it may be made."""
    keys = _keys(name, address)
    try:
        with sync_client().pipeline(transaction=True) as pipe:
            for key in keys:
                pipe.incr(key)
                pipe.expire(key, WINDOW_S, nx=True)
                pipe.ttl(key)
            answers = pipe.execute()
    except HotStateUnavailable:
        return Attempt(False, None)
    most = (MOST_PER_NAME, MOST_PER_ADDRESS)
    waits = [max(1, answers[3 * n + 2]) for n, limit in enumerate(most) if answers[3 * n] > limit]
    return Attempt(not waits, max(waits, default=0))


def forget_attempts(name: str, address: str) -> None:
    """After a success: the name starts anew from `address`, and the address is given this attempt back."""
    by_name, by_address = _keys(name, address)
    try:
        with sync_client().pipeline(transaction=True) as pipe:
            pipe.delete(by_name)
            pipe.decr(by_address)
            pipe.execute()
    except HotStateUnavailable:
        # The counters end by themselves.
        return


def _keys(name: str, address: str) -> tuple[str, str]:
    """Hashed: a name may be as long and strange as its sender likes, and is nobody's business."""
    folded = hashlib.sha256(f"{name.casefold()}\0{address}".encode(errors="replace")).hexdigest()[:32]
    return f"dcmm:sign_in:name:{folded}", f"dcmm:sign_in:address:{address[:64]}"
