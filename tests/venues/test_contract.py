"""Every behaviour of the contract, for every adapter, against the real sandbox venue over real sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venues import (
    contract_account,
    contract_clocks,
    contract_failures,
    contract_orders,
    contract_perpetuals,
    contract_streams,
)
from tests.venues.contract import BEHAVIOURS, Behaviour
from tests.venues.stage import DIALECTS, staged

# Importing these registers their behaviours.
CHAPTERS = (
    contract_orders,
    contract_failures,
    contract_clocks,
    contract_streams,
    contract_account,
    contract_perpetuals,
)


@pytest.mark.parametrize("adapter", DIALECTS)
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.number)
async def test_contract(adapter: str, behaviour: Behaviour) -> None:
    async with staged(adapter, **behaviour.options) as stage:
        await behaviour.check(stage)


def test_the_document_lists_every_behaviour() -> None:
    document = (Path(__file__).resolve().parents[2] / "docs/venues.md").read_text()
    listed = [line for line in document.splitlines() if line.startswith("| V")]
    assert sorted(listed) == sorted(f"| {one.number} | {one.title} |" for one in BEHAVIOURS)
