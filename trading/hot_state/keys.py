"""Every key of trading's hot state. `{slug}` in braces keeps one market's keys on one cluster slot."""

from __future__ import annotations

PREFIX = "dcmm:"


def market_view(slug: str) -> str:
    """JSON `MarketView`: book top and depth, reference price, volatility, feed age. Written by market_data only."""
    return f"{PREFIX}{{{slug}}}:view"


def position(slug: str) -> str:
    """JSON `HotPosition`: committed position with its ledger_seq. Written by the ledger after commit only."""
    return f"{PREFIX}{{{slug}}}:position"


def inbox_pending(slug: str) -> str:
    """Hash fill key → signed base quantity, of fills in the inbox not yet committed."""
    return f"{PREFIX}{{{slug}}}:inbox-pending"


def applied_fills(slug: str) -> str:
    """Sorted set of recently committed fill keys (score: ledger_seq), so that a late duplicate is not pending again."""
    return f"{PREFIX}{{{slug}}}:applied"


def open_orders(slug: str) -> str:
    """Hash client order id → JSON `HotOrder`, own orders that may rest or fill. Written by orders and the own-order stream."""
    return f"{PREFIX}{{{slug}}}:orders"


def lease(slug: str) -> str:
    """Hash of the market's quoting lease: epoch, turn, owner, busy, expires_ns, last_slot, ..."""
    return f"{PREFIX}{{{slug}}}:lease"


def session(slug: str) -> str:
    """JSON `Session`: what the market's trading session opened with, and its peak. PostgreSQL has it too, a minute older."""
    return f"{PREFIX}{{{slug}}}:session"


def markouts(slug: str) -> str:
    """JSON `HotMarkouts`: how the price moved after our last fills."""
    return f"{PREFIX}{{{slug}}}:markouts"


def cycle(slug: str) -> str:
    """JSON `CycleStatus` of the last cycle: when, outcome, the sentence why it is or is not quoting, quotes wanted."""
    return f"{PREFIX}{{{slug}}}:cycle"


def history(slug: str) -> str:
    """Stream of one compact snapshot a second (about an hour kept): charts, and the public's delayed inventory."""
    return f"{PREFIX}{{{slug}}}:history"


def controls() -> str:
    """Hash scope → JSON of control and locks, a tightening cache only: PostgreSQL is the truth."""
    return f"{PREFIX}controls"


def reservations() -> str:
    """Hash of worst-case exposure reserved per market, asset and desk."""
    return f"{PREFIX}reservations"


def claim(shard: int, slot: int) -> str:
    """Set once per (shard, due slot); expires."""
    return f"{PREFIX}claim:{shard}:{slot}"


def balances(account: str) -> str:
    """Hash asset id → JSON total and free, as last read from the venue, with the time of reading."""
    return f"{PREFIX}balances:{account}"


def market_info(account: str) -> str:
    """Hash market slug → JSON `MarketInfo`, as read from the venue's market list at start."""
    return f"{PREFIX}market-info:{account}"


def poll_request(account: str) -> str:
    """List: somebody asks the market_data service to poll this account's history now (webhook with a stale stamp, ...)."""
    return f"{PREFIX}poll-request:{account}"


def reconciled(account: str) -> str:
    """The start of the system since which the account was compared with its venue; quoting waits for it."""
    return f"{PREFIX}reconciled:{account}"


def comparison_requests() -> str:
    """Hash account → why somebody asks to compare it with its venue now."""
    return f"{PREFIX}comparison-requests"


def comparison_claim(account: str, group: str) -> str:
    """Set while a process of this start compares the account, and for a pause after it; expires."""
    return f"{PREFIX}comparing:{account}:{group}"


def keeper(account: str) -> str:
    """Who keeps the account's dead man's switch; expires, so that another may take over."""
    return f"{PREFIX}keeper:{account}"


def occupied(account: str) -> str:
    """JSON `Occupied`: another copy of the portal has orders on the account, and ours keeps away."""
    return f"{PREFIX}occupied:{account}"


def cleared(slug: str) -> str:
    """JSON `Cleared`: what taking every order of a halted market off has come to."""
    return f"{PREFIX}{{{slug}}}:cleared"


def heartbeat(process: str) -> str:
    """Wall time in ns of the process' last beat; expires."""
    return f"{PREFIX}heartbeat:{process}"


def relay_wake() -> str:
    """Publish/subscribe channel: an event was committed."""
    return f"{PREFIX}relay-wake"


def announced_decision(slug: str) -> str:
    """JSON `HotDecision` of a cycle whose requests are going out: it moves to the stream when the cycle ends, however."""
    return f"{PREFIX}{{{slug}}}:announced-decision"


SET_ASIDE = f"{PREFIX}set-aside:"
INBOX_STREAM = f"{PREFIX}inbox"
INBOX_GROUP = "ledger"
DEAD_LETTERS = f"{PREFIX}inbox-dead"
DECISION_STREAM = f"{PREFIX}decisions"
DECISION_GROUP = "writer"
DECISION_DEAD_LETTERS = f"{PREFIX}decisions-dead"
PARAMETER_STREAM = f"{PREFIX}parameters"
EVENT_STREAM = f"{PREFIX}events"
