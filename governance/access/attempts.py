"""How often somebody may try a password, a code or a link: counted in Redis, so that none of them can be guessed.

An attempt is counted before what was given is looked at, so that many at once count as many. A success forgets the name's
attempts from that address. Counters end by themselves; what cannot be counted is not allowed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from trading.hot_state.connection import HotStateUnavailable, sync_client

WINDOW_S = 600
MOST_PER_NAME = 8
MOST_PER_ADDRESS = 40
SIGN_IN, CODE, LINK = "sign_in", "code", "link"
# Six digits stand against a guesser only while tries are few wherever they come from; a mailbox is not to be filled.
_MOST_PER_NAME = {SIGN_IN: MOST_PER_NAME, CODE: 8, LINK: 3}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of the wish to try: allowed, or to wait `retry_s` seconds; None: it cannot be counted now."""

    is_allowed: bool
    retry_s: int | None = 0


def begin_attempt(name: str, address: str, kind: str = SIGN_IN) -> Attempt:
    """Count an attempt of `name` from `address` and say whether it may be made. Without an address: from anywhere."""
    limits = [_MOST_PER_NAME[kind], MOST_PER_ADDRESS]
    keys = _keys(name, address, kind)
    try:
        with sync_client().pipeline(transaction=True) as pipe:
            for key in keys:
                pipe.incr(key)
                pipe.expire(key, WINDOW_S, nx=True)
                pipe.ttl(key)
            answers = pipe.execute()
    except HotStateUnavailable:
        return Attempt(False, None)
    waits = [max(1, answers[3 * n + 2]) for n in range(len(keys)) if answers[3 * n] > limits[n]]
    return Attempt(not waits, max(waits, default=0))


def forget_attempts(name: str, address: str, kind: str = SIGN_IN) -> None:
    """After a success: the name starts anew from `address`, and the address is given this attempt back."""
    by_name, *by_address = _keys(name, address, kind)
    try:
        with sync_client().pipeline(transaction=True) as pipe:
            pipe.delete(by_name)
            for key in by_address:
                pipe.decr(key)
            pipe.execute()
    except HotStateUnavailable:
        # The counters end by themselves.
        return


def _keys(name: str, address: str, kind: str) -> list[str]:
    """Hashed: a name may be as long and strange as its sender likes, and is nobody's business."""
    folded = hashlib.sha256(f"{name.casefold()}\0{address}".encode(errors="replace")).hexdigest()[:32]
    keys = [f"dcmm:{kind}:name:{folded}"]
    return [*keys, f"dcmm:{kind}:address:{address[:64]}"] if address else keys
