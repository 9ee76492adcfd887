"""Client order ids: market, side, level, epoch, counter, so that any worker knows whose order rests on a venue.

`m12b0e45c678`: market 12, buy, level 0, epoch 45, counter 678. Letters and digits only and at most 32 characters, which
every venue known to us takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"m(\d{1,4})([bs])(\d)e(\d{1,12})c(\d{1,9})", re.ASCII)
_SIDES = {"b": "buy", "s": "sell"}


@dataclass(frozen=True, slots=True)
class ClientOrderId:
    market_id: int
    side: str
    level: int
    epoch: int
    counter: int


def format_client_order_id(parts: ClientOrderId) -> str:
    """The id. Raises ValueError for parts that do not fit (a tenth level, a number with too many digits)."""
    text = f"m{parts.market_id}{parts.side[:1]}{parts.level}e{parts.epoch}c{parts.counter}"
    if parse_client_order_id(text) != parts:
        raise ValueError(f"no client order id can be made of {parts}")
    return text


def parse_client_order_id(text: str) -> ClientOrderId | None:
    """The parts, or None for an id that is not ours."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    market, side, level, epoch, counter = match.groups()
    return ClientOrderId(int(market), _SIDES[side], int(level), int(epoch), int(counter))
