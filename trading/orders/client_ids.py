"""Client order ids: market, side, level, epoch, counter, installation, so that anybody knows whose order rests on a venue.

`m12b0e45c678ik3x9`: market 12, buy, level 0, epoch 45, counter 678, sent by the installation `k3x9`. Letters and digits only
and at most 32 characters, which every venue known to us takes. Ids from before installations had a name end after the counter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 32
_PATTERN = re.compile(r"m(\d{1,4})([bs])(\d)e(\d{1,12})c(\d{1,9})(?:i([0-9a-z]{4}))?", re.ASCII)
_SIDES = {"b": "buy", "s": "sell"}


@dataclass(frozen=True, slots=True)
class ClientOrderId:
    """`installation`: four letters or digits (trading.orders.installation), "" in ids from before there were any."""

    market_id: int
    side: str
    level: int
    epoch: int
    counter: int
    installation: str = ""


def format_client_order_id(parts: ClientOrderId) -> str:
    """The id. Raises ValueError for parts that do not fit (a tenth level, a number with too many digits)."""
    text = f"m{parts.market_id}{parts.side[:1]}{parts.level}e{parts.epoch}c{parts.counter}"
    if parts.installation:
        text += f"i{parts.installation}"
    if len(text) > MAX_LENGTH or parse_client_order_id(text) != parts:
        raise ValueError(f"no client order id can be made of {parts}")
    return text


def parse_client_order_id(text: str) -> ClientOrderId | None:
    """The parts, or None for an id that is not of our form."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        return None
    market, side, level, epoch, counter, installation = match.groups()
    return ClientOrderId(int(market), _SIDES[side], int(level), int(epoch), int(counter), installation or "")
