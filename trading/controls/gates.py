"""Named gates: what upper rooms must allow before a market whose rules ask for it goes further. A missing gate is closed."""

from __future__ import annotations

from trading.models import NamedGate


def is_open(name: str) -> bool:
    """Whether the gate stands open now."""
    return NamedGate.objects.filter(name=name, is_open=True).exists()
