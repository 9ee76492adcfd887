"""What the public sockets tell: each market in its public form, as the publication policy lets it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import DatabaseError, close_old_connections, connection

from disclosures.transparency.public_market import Basis, basis, public_json, published
from trading.selectors import all_market_status
from trading.told_quotes import quotes_of


@dataclass(frozen=True, slots=True)
class Reading:
    """Every active market's public form, by slug in order, and the basis on which messages are published until the next."""

    basis: Basis
    forms: Mapping[str, dict[str, Any]]


def read_public() -> Reading:
    """Every market's public form. Raises what the database raises."""
    now_ns = time.time_ns()
    statuses = all_market_status(now_ns)
    found = basis([status.slug for status in statuses], now_ns)
    return Reading(found, {status.slug: public_json(published(status, found)) for status in statuses})


def read_on_thread() -> Reading:
    """`read_public` on a thread that keeps its own database connection."""
    close_old_connections()
    try:
        return read_public()
    except DatabaseError:
        connection.close()
        raise


def public_form(told: Mapping[str, Any], on: Basis) -> dict[str, Any]:
    """The public form of a market out of the live push's `status`, which is finer than the public may see.

    Raises `NotAStatus`.
    """
    return public_json(published(quotes_of(told), on))


# Of a market's public form: what follows from the venue and from governed decisions, and what follows from our orders.
_OF_THE_MARKET: Final = (
    "state", "mid", "mid_source", "market_bid", "market_ask", "market_spread_bps", "parameter_version", "publication_version",
)  # fmt: skip
_OF_OUR_QUOTES: Final = ("bid", "bid_size", "ask", "ask_size", "spread_bps", "depth", "outcome")


def told_at_once(form: Mapping[str, Any], on: Basis) -> tuple[Any, ...]:
    """What of a public form is worth a message at once.

    Ages and figures over time are not: what the push tells of them comes at the moment of a fill that the policy may hide. Nor
    are our quotes where the policy delays them.
    """
    names = _OF_THE_MARKET + (_OF_OUR_QUOTES if on.quotes is None else ())
    return tuple(form[name] for name in names)
