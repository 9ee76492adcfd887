"""Telling every worker, after the commit, that something it reads from PostgreSQL has another version."""

from __future__ import annotations

from functools import partial

import structlog
from django.db import transaction

from trading.hot_state.connection import HotStateUnavailable
from trading.hot_state.parameter_changes import ParameterChange, announce_change

log = structlog.get_logger(__name__)


def announce(what: str, version: int, values_hash: str) -> None:
    """Once the transaction has committed. `what`: a market's slug, or the name of a limit or of a row of the registry."""
    transaction.on_commit(partial(_announce, ParameterChange(what, version, values_hash)), robust=True)


def _announce(change: ParameterChange) -> None:
    try:
        announce_change(change)
    except HotStateUnavailable as problem:
        # Workers compare with PostgreSQL by themselves: a Redis that is away costs seconds, never the change.
        log.warning("parameters_not_announced", market=change.market, problem=type(problem).__name__)
