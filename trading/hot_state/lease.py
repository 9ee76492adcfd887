"""The quoting lease of a market: one holder at a time, an epoch that only rises, a wait after an unclean end.

Phases: `held` (a cycle runs), `free` (the last cycle ended cleanly: the same epoch goes on with any worker), `taking` (a
successor sweeps under no epoch yet, and sends nothing but cancels), `lost` (the hash had vanished: some holder may still
be alive, so one whole lease is waited for; or the holder learnt of an epoch newer than its own). Times come from the
caller; the successor's wait includes a clock margin. A stored time that lies so far ahead that no claim can have written it
by this clock is a clock that was put back: an expiry is waited for like a vanished one, a slot counts as past.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import redis.asyncio

from trading.hot_state import keys

LEASE_TTL_S = 3.0
CLOCK_MARGIN_S = 0.5
TAKEOVER_TTL_S = 5.0
# A takeover gives up this long before another may begin, so that its last request is over by then.
TAKEOVER_TIMEOUT_S = 4.0


class LeaseAnswer(StrEnum):
    GRANTED = "granted"
    BUSY = "busy"  # another cycle of this market is running
    NOT_DUE = "not_due"
    WAIT = "wait"  # an unclean end: not yet safe to succeed
    TAKE = "take"  # the caller now takes over: new epoch, sweep, then `install_epoch`
    ABSENT = "absent"  # nothing is known of any lease; the caller says whether there ever was one


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """`expires_ns`: of the lease granted, or of the one in the way. `turn` counts the grants of one epoch, from 1."""

    answer: LeaseAnswer
    epoch: int
    turn: int
    expires_ns: int


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """One attempt. `owner` is unique per attempt; `grace_ns` is how long after its expiry a holder's request may still
    be executed; `slot_ns` the due time of this cycle and `min_gap_ns` the shortest time since the last one's."""

    slug: str
    owner: str
    now_ns: int
    slot_ns: int
    min_gap_ns: int
    grace_ns: int
    ttl_s: float = LEASE_TTL_S

    @property
    def expires_ns(self) -> int:
        return self.now_ns + round(self.ttl_s * 1e9)


# ARGV: owner, now, new expiry, takeover expiry, grace, slot, min gap, clock margin. Nanoseconds stay strings: a Lua number
# would cut them. A hash that somebody edited into something else is none: it goes, and a whole lease is waited for.
ACQUIRE = """
local h = redis.pcall('HMGET', KEYS[1], 'phase', 'epoch', 'turn', 'expires_ns', 'slot_ns')
local function readable(text) return not text or (#text < 20 and string.match(text, '^%d+$')) end
local known = {held = true, free = true, taking = true, lost = true}
if h.err or (h[1] and not known[h[1]]) or not (readable(h[2]) and readable(h[3]) and readable(h[4]) and readable(h[5])) then
  redis.call('DEL', KEYS[1])
  return {'absent', '0', 0, '0'}
end
local phase, epoch, turn, expires = h[1], h[2] or '0', tonumber(h[3] or '0'), h[4] or '0'
if not phase then return {'absent', '0', 0, '0'} end
local now, margin = tonumber(ARGV[2]), tonumber(ARGV[8])
if phase == 'free' then
  local last = tonumber(h[5] or '0')
  local is_ahead = last > now + margin
  if not is_ahead and tonumber(ARGV[6]) - last < tonumber(ARGV[7]) then return {'not_due', epoch, turn, expires} end
  redis.call('HSET', KEYS[1], 'phase', 'held', 'owner', ARGV[1], 'turn', turn + 1, 'expires_ns', ARGV[3], 'slot_ns', ARGV[6])
  return {'granted', epoch, turn + 1, ARGV[3]}
end
local ends = tonumber(expires)
if ends > math.max(tonumber(ARGV[3]), tonumber(ARGV[4])) + margin then
  redis.call('HSET', KEYS[1], 'phase', 'lost', 'owner', '', 'expires_ns', ARGV[3])
  return {'wait', epoch, turn, ARGV[3]}
end
if phase == 'held' and now < ends then return {'busy', epoch, turn, expires} end
if phase ~= 'taking' then ends = ends + tonumber(ARGV[5]) end
if now < ends then return {'wait', epoch, turn, expires} end
redis.call('HSET', KEYS[1], 'phase', 'taking', 'owner', ARGV[1], 'expires_ns', ARGV[4])
return {'take', epoch, turn, ARGV[4]}
"""
# ARGV: owner, phase to note, expiry. Only where nothing is there.
_NOTE_ABSENT = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'phase', ARGV[2], 'owner', ARGV[1], 'epoch', '0', 'turn', 0, 'expires_ns', ARGV[3])
return 1
"""
# ARGV: owner, epoch, expiry, slot.
_INSTALL = """
local h = redis.call('HMGET', KEYS[1], 'phase', 'owner', 'epoch')
if h[1] ~= 'taking' or h[2] ~= ARGV[1] or tonumber(h[3] or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'phase', 'held', 'epoch', ARGV[2], 'turn', 1, 'expires_ns', ARGV[3], 'slot_ns', ARGV[4])
return 1
"""
# ARGV: owner, expiry to leave behind when a takeover is given up.
_RELEASE = """
local h = redis.call('HMGET', KEYS[1], 'phase', 'owner')
if h[2] ~= ARGV[1] then return 0 end
if h[1] == 'held' then redis.call('HSET', KEYS[1], 'phase', 'free', 'owner', '') return 1 end
if h[1] == 'taking' then redis.call('HSET', KEYS[1], 'expires_ns', ARGV[2]) return 1 end
return 0
"""
# ARGV: owner, expiry of the wait.
_LOSE = """
local h = redis.call('HMGET', KEYS[1], 'phase', 'owner')
if h[1] ~= 'held' or h[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'phase', 'lost', 'owner', '', 'expires_ns', ARGV[2])
return 1
"""


def acquire_arguments(claim: LeaseClaim) -> tuple[str, ...]:
    """What the script is given."""
    takeover_ns = claim.now_ns + round(TAKEOVER_TTL_S * 1e9)
    return (
        claim.owner,
        str(claim.now_ns),
        str(claim.expires_ns),
        str(takeover_ns),
        str(claim.grace_ns),
        str(claim.slot_ns),
        str(claim.min_gap_ns),
        str(round(CLOCK_MARGIN_S * 1e9)),
    )


def parse_acquire(raw: Any) -> LeaseResult:
    """What the script answered."""
    answer, epoch, turn, expires = raw
    return LeaseResult(LeaseAnswer(answer.decode()), int(epoch), int(turn), int(expires))


async def acquire(client: redis.asyncio.Redis, claim: LeaseClaim) -> LeaseResult:
    """Try to take the lease for one cycle."""
    return parse_acquire(await client.eval(ACQUIRE, 1, keys.lease(claim.slug), *acquire_arguments(claim)))


async def note_absent(client: redis.asyncio.Redis, claim: LeaseClaim, *, ever_held: bool) -> bool:
    """Nothing is known in Redis: `lost` (a whole lease is waited for) if the market ever had a holder, else open to take."""
    phase, expires_ns = ("lost", claim.expires_ns) if ever_held else ("taking", claim.now_ns)
    args = (claim.owner, phase, str(expires_ns))
    return bool(await client.eval(_NOTE_ABSENT, 1, keys.lease(claim.slug), *args))


async def install_epoch(client: redis.asyncio.Redis, claim: LeaseClaim, epoch: int) -> bool:
    """End of a takeover: the caller holds the lease under `epoch`. False if somebody else took over meanwhile."""
    args = (claim.owner, str(epoch), str(claim.expires_ns), str(claim.slot_ns))
    return bool(await client.eval(_INSTALL, 1, keys.lease(claim.slug), *args))


def queue_release(client: Any, slug: str, owner: str, now_ns: int) -> Any:
    """Clean end of a cycle (no request in flight), or of a takeover that was given up. Answers 0 if it was no longer ours."""
    return client.eval(_RELEASE, 1, keys.lease(slug), owner, str(now_ns))


def queue_lose(client: Any, slug: str, owner: str, now_ns: int) -> Any:
    """The holder under `owner` learnt that a newer epoch exists: nobody goes on under its own. A whole lease is waited for,
    then a successor takes an epoch newer than both. Answers 0 if the lease was no longer ours."""
    return client.eval(_LOSE, 1, keys.lease(slug), owner, str(now_ns + round(LEASE_TTL_S * 1e9)))


async def is_taking(client: redis.asyncio.Redis, claim: LeaseClaim) -> bool:
    """Whether `claim` still is the one that takes the market over."""
    phase, owner = await client.hmget(keys.lease(claim.slug), ["phase", "owner"])
    return bool(phase == b"taking" and owner == claim.owner.encode())


async def read_epoch(client: redis.asyncio.Redis, slug: str) -> int | None:
    """Epoch in force, None where no lease is known."""
    raw = await client.hget(keys.lease(slug), "epoch")
    return int(raw) if raw else None
