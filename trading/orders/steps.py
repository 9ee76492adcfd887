"""One request that a decision asks for, before it has an id, a deadline or an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading.risk.side import Side


class StepAction(StrEnum):
    CANCEL = "cancel"
    AMEND = "amend"
    SUBMIT = "submit"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One request. `client_order_id` names the order to cancel or amend, "" for a new one. `size` is what shall rest,
    `already_filled` what an amend must add to it. `reduces`: it only lowers exposure."""

    action: StepAction
    client_order_id: str
    side: Side
    level: int
    price: Decimal
    size: Decimal
    already_filled: Decimal
    reduces: bool
    reason: str
