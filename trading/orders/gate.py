"""The gate: whether orders may be sent now, asked of PostgreSQL in the very statement that writes their intents.

One statement, so one round trip and one snapshot of the truth: trading states and locks of desk and market, the newest lease
epoch, the parameter version in force. What is not let through leaves no row. Cancels never come here: they always pass.
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


_STATEMENT = """
WITH scopes AS (SELECT unnest(ARRAY[%(desk)s, %(slug)s]) AS scope),
states AS (
    SELECT lower(state) AS state FROM trading_controls WHERE scope IN (SELECT scope FROM scopes)
    UNION ALL
    SELECT lower(state) FROM locks
    WHERE scope IN (SELECT scope FROM scopes) AND lifted_at IS NULL AND (until IS NULL OR until > %(now)s)
),
checks AS (
    SELECT (SELECT count(*) FROM trading_controls WHERE scope IN (SELECT scope FROM scopes)) = 2 AS controls_known,
        NOT EXISTS (SELECT 1 FROM lease_epochs WHERE market = %(slug)s AND epoch > %(epoch)s) AS epoch_newest,
        EXISTS (SELECT 1 FROM parameter_sets WHERE market_id = %(market_id)s AND version = %(version)s) AS version_current
),
wanted AS (
    SELECT i.* FROM jsonb_to_recordset(%(intents)s::jsonb) AS i(id text, side text, level smallint, price numeric,
        size numeric, reduces boolean, is_amend boolean, deadline timestamptz), checks
    WHERE controls_known AND epoch_newest AND version_current AND NOT EXISTS (
        SELECT 1 FROM states
        WHERE state <> ALL (CASE WHEN i.reduces THEN %(for_reducing)s::text[] ELSE %(for_any)s::text[] END))
),
placed AS (
    INSERT INTO orders (client_order_id, market_id, venue_order_id, side, level, epoch, price, size, filled, status, reason,
                        deadline_at, correlation_id, parameter_version, created_at, updated_at)
    SELECT id, %(market_id)s, '', side, level, %(epoch)s, price, size, 0, 'INTENT', '', deadline, %(cycle_id)s, %(version)s,
           %(now)s, %(now)s
    FROM wanted WHERE NOT is_amend
    RETURNING client_order_id
),
amended AS (
    UPDATE orders SET amend_price = wanted.price, amend_size = wanted.size, deadline_at = wanted.deadline,
                      correlation_id = %(cycle_id)s, updated_at = %(now)s
    FROM wanted
    WHERE is_amend AND client_order_id = wanted.id AND market_id = %(market_id)s
      AND status IN ('INTENT', 'LIVE', 'CANCEL_PENDING', 'UNKNOWN')
    RETURNING client_order_id
)
SELECT controls_known, epoch_newest, version_current,
    ARRAY(SELECT state FROM states),
    ARRAY(SELECT client_order_id FROM placed UNION ALL SELECT client_order_id FROM amended)
FROM checks
"""


def _states_allowing(*permissions: SidePermission) -> list[str]:
    return [state.value for state in TradingState if permission(state) in permissions]


def pass_gate(request: GateRequest) -> GateAnswer:
    """Ask the gate and write the intents that it lets through. Raises database errors: then nothing may be sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT,
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
