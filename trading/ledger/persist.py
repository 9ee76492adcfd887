"""The idempotent writer of hot state: one snapshot per market and minute, never over a newer ledger number.

It writes `mm_state` only. Positions and P&L are written by the ledger's transactions and by nothing else.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import connection

from trading import metrics
from trading.clock import Clock, to_datetime
from trading.controls.selectors import effective_states
from trading.events.services import plain
from trading.hot_state.overview import HotOverview, read_overviews
from trading.hot_state.values import HotPosition
from trading.ledger.arithmetic import PositionState, mark_to_market, quantise
from trading.models import MmState, Position
from trading.registry.selectors import MarketRef, active_markets

log = structlog.get_logger(__name__)
ATTEMPTS = 3
STOP_WITHIN_S = 2.0


def persist_state(now: datetime, *, at_stop: bool = False) -> int:
    """Write the snapshot of this minute for every active market that has a position in the hot state; how many were new.

    Running twice in a minute changes nothing. `at_stop` writes under the second instead, so that the last state before a stop
    is kept too.
    """
    at = now.replace(microsecond=0) if at_stop else now.replace(second=0, microsecond=0)
    refs = active_markets()
    hot = _read(refs)
    states = effective_states([ref.slug for ref in refs], now)
    rows = []
    for ref in refs:
        overview, problem = hot[ref.slug]
        if overview.position is None or problem:
            log.warning("state_not_persisted", market=ref.slug, reason=problem)
            continue
        rows.append(_row(ref, overview, overview.position, states[ref.slug][0].name, at))
    before = MmState.objects.filter(at=at).count()
    MmState.objects.bulk_create(rows, ignore_conflicts=True)
    return MmState.objects.filter(at=at).count() - before


def persist_before_stop(clock: Clock, within_s: float = STOP_WITHIN_S) -> bool:
    """Write the last snapshot before the process ends; whether it was written in time. Never raises: what can't be told any
    more (Redis or PostgreSQL are away already) is in the positions."""
    done: list[int] = []
    writing = threading.Thread(target=_write_last, args=(clock, done), name="persist-at-stop", daemon=True)
    writing.start()
    writing.join(within_s)
    log.info("state_persisted_at_stop", new=done[0] if done else None)
    return bool(done)


def _write_last(clock: Clock, done: list[int]) -> None:
    try:
        done.append(persist_state(to_datetime(clock.now_ns()), at_stop=True))
    except Exception as problem:
        log.warning("state_not_persisted_at_stop", problem=type(problem).__name__)
    finally:
        connection.close()


def _committed() -> dict[int, int]:
    """Ledger number by market."""
    return dict(Position.objects.values_list("market_id", "ledger_seq"))


def _read(refs: tuple[MarketRef, ...]) -> dict[str, tuple[HotOverview, str]]:
    """Hot state by market, with why it can't be persisted ("" if it can); read again where a commit was just ahead of its
    publication. A number beyond what is committed is no state of the ledger.
    """
    for _ in range(ATTEMPTS):
        before = _committed()
        overviews = read_overviews((ref.slug, ref.account) for ref in refs)
        after = _committed()
        hot = {
            ref.slug: (overviews[ref.slug], _problem(overviews[ref.slug], before.get(ref.id, 0), after.get(ref.id, 0)))
            for ref in refs
        }
        if not any(problem in ("older", "ahead") for _, problem in hot.values()):
            break
    return hot


def _problem(overview: HotOverview, before: int, after: int) -> str:
    if overview.position is None:
        return "no position"
    if overview.position.ledger_seq < before:
        return "older"
    return "ahead" if overview.position.ledger_seq > after else ""


def _row(ref: MarketRef, hot: HotOverview, position: HotPosition, state: str, at: datetime) -> MmState:
    view, cycle = hot.view, hot.cycle
    mark = view.reference if view else None
    unrealised = _unrealised(position, mark)
    if unrealised is not None:
        metrics.LEDGER_UNREALISED_PNL.labels(ref.slug).set(float(unrealised))
    return MmState(
        market_id=ref.id,
        at=at,
        ledger_seq=position.ledger_seq,
        state=state,
        mid=quantise(mark) if mark is not None else None,
        bid=cycle.bid if cycle else None,
        ask=cycle.ask if cycle else None,
        inventory=position.q + (hot.pending or Decimal(0)),
        realised=position.realised,
        unrealised=unrealised,
        sigma=view.sigma_effective if view else None,
        open_orders=len(hot.orders or ()),
        body=_body(hot, position),
    )


def _unrealised(position: HotPosition, mark: Decimal | None) -> Decimal | None:
    if mark is None:
        return None
    state = PositionState(q=position.q, cost_basis=position.cost_basis, realised=position.realised)
    return mark_to_market(state, mark).unrealised


def _body(hot: HotOverview, position: HotPosition) -> dict[str, Any]:
    view, cycle = hot.view, hot.cycle
    body: dict[str, Any] = {"position": asdict(position), "pending": hot.pending}
    if view is not None:
        body["view"] = {
            "reference_source": view.reference_source,
            "reference_age_s": view.reference_age_s,
            "proof_age_s": view.proof_age_s,
            "regime": view.regime,
            "problem": view.problem,
        }
    if cycle is not None:
        body["cycle"] = {
            "outcome": cycle.outcome,
            "reason": cycle.reason,
            "parameter_version": cycle.parameter_version,
            "epoch": cycle.epoch,
        }
    snapshot: dict[str, Any] = plain(body)
    return snapshot
