"""The gate: whether orders may be sent now, asked of PostgreSQL in the very statement that writes their intents.

One statement inside a function (`trading/sql/gate.sql`), so one round trip and one snapshot of the truth: trading states and
locks of desk and market, the newest lease epoch, the parameter version in force. What is not let through leaves no row. Cancels
never come here: they always pass.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from trading.risk.states import SidePermission, TradingState, permission

DESK = "desk"
_PERMISSIONS = {state.value: permission(state) for state in TradingState}


@dataclass(frozen=True, slots=True)
class Intent:
    """An order, or an amend of one (`is_amend`), about to be sent. `reduces`: it only lowers exposure."""

    client_order_id: str
    side: str
    level: int
    price: Decimal
    size: Decimal
    reduces: bool
    is_amend: bool
    deadline: datetime


@dataclass(frozen=True, slots=True)
class GateRequest:
    market_id: int
    slug: str
    epoch: int
    parameter_version: int
    cycle_id: str
    now: datetime
    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """`passed`: client order ids whose intents are written. `reason`: why the others are not ('' if all passed).
    `unamendable`: amends that may go but whose order PostgreSQL holds for done: such an order can only be cancelled."""

    passed: frozenset[str]
    reason: str
    states: tuple[str, ...]
    unamendable: frozenset[str] = frozenset()


# The rule itself is SQL: trading/sql/gate.sql.
_CALL = """
SELECT controls_known, epoch_newest, version_current, found_states, passed FROM order_gate(
    %(desk)s, %(slug)s, %(market_id)s, %(epoch)s, %(version)s, %(cycle_id)s, %(now)s, %(intents)s::jsonb, %(for_any)s::text[],
    %(for_reducing)s::text[])
"""


def _states_allowing(*permissions: SidePermission) -> list[str]:
    return [state.value for state in TradingState if permission(state) in permissions]


def pass_gate(request: GateRequest) -> GateAnswer:
    """Ask the gate and write the intents that it lets through. Raises database errors: then nothing may be sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CALL,
            {
                "desk": DESK,
                "slug": request.slug,
                "market_id": request.market_id,
                "epoch": request.epoch,
                "version": request.parameter_version,
                "cycle_id": request.cycle_id,
                "now": request.now,
                "intents": json.dumps([_row(intent) for intent in request.intents]),
                "for_any": _states_allowing(SidePermission.ALL),
                "for_reducing": _states_allowing(SidePermission.ALL, SidePermission.REDUCE_ONLY),
            },
        )
        row = cursor.fetchone()
    return _answer(request, row)


def _row(intent: Intent) -> dict[str, Any]:
    return {
        "id": intent.client_order_id,
        "side": intent.side,
        "level": intent.level,
        "price": str(intent.price),
        "size": str(intent.size),
        "reduces": intent.reduces,
        "is_amend": intent.is_amend,
        "deadline": intent.deadline.isoformat(),
    }


def _answer(request: GateRequest, row: Sequence[Any] | None) -> GateAnswer:
    if row is None:
        return GateAnswer(frozenset(), "controls_unknown", ())
    controls_known, epoch_newest, version_current, states, passed = row
    reason, unamendable = "", frozenset[str]()
    if not controls_known:
        reason = "controls_unknown"
    elif not epoch_newest:
        reason = "lease_lost"
    elif not version_current:
        reason = "parameters_changed"
    elif len(passed) < len(request.intents):
        permissions = {_PERMISSIONS.get(state, SidePermission.NONE) for state in states}
        refused = [one for one in request.intents if one.client_order_id not in passed]
        permitted = [one for one in refused if permissions <= _enough(one)]
        unamendable = frozenset(one.client_order_id for one in permitted if one.is_amend)
        reason = "order_not_amendable" if len(permitted) == len(refused) else "state_forbids"
    return GateAnswer(frozenset(passed), reason, tuple(sorted(states)), unamendable)


def _enough(intent: Intent) -> set[SidePermission]:
    """What the states may permit for `intent` to go."""
    return {SidePermission.ALL, SidePermission.REDUCE_ONLY} if intent.reduces else {SidePermission.ALL}
