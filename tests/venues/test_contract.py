"""Every behaviour of the contract, for every adapter, against the real sandbox venue over real sockets."""

from __future__ import annotations

import pytest

from tests.venues import contract_account, contract_failures, contract_orders, contract_streams
from tests.venues.contract import BEHAVIOURS, Behaviour
from tests.venues.stage import DIALECTS, staged

# Importing these registers their behaviours.
CHAPTERS = (contract_orders, contract_failures, contract_streams, contract_account)


@pytest.mark.parametrize("adapter", DIALECTS)
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.number)
async def test_contract(adapter: str, behaviour: Behaviour) -> None:
    async with staged(adapter, **behaviour.options) as stage:
        await behaviour.check(stage)
