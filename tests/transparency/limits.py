"""A market's limit, lowered as one person may."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from trading.models import Market
from trading.parameters.services import apply_version, current_values


def lower_the_limit(market: Market, lots: str) -> None:
    """Bring the hard limit down to `lots`, with all that must lie below it."""
    values = current_values(market.parameter_set) | {
        "q_hard_lots": Decimal(lots), "soft_limit_lots": Decimal(lots) * Decimal("0.8"), "q_soft_lots": Decimal(lots) / 2,
        "order_size_lots": Decimal("0.5"),
    }  # fmt: skip
    apply_version(
        market, values, authorised_by="genesis", actor_id="1", actor_name="ana", reason="less", now=datetime.now(UTC)
    )
