"""The demonstration's registry for tests that stage its two spot markets and nothing else."""

from __future__ import annotations

from datetime import datetime

from tests.support.perpetual import PERP
from trading.models import Market
from trading.registry.services import declare_demo_desk


def declare_two_markets(now: datetime) -> None:
    """The demonstration with its perpetual, which nobody feeds here, switched off."""
    declare_demo_desk(now)
    Market.objects.filter(slug=PERP).update(is_active=False)
