"""The demonstration's registry is whole: every market has limits, parameters and a control, and fits what its venue lists."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from trading.models import ExposureLimit, Market, ParameterSet, TradingControl
from trading.parameters.starting_values import STARTING_VALUES
from trading.registry.services import declare_demo_desk
from trading.sandbox.catalogue import VENUES

NAMES = {"GRAM-USDT": "GRAM/USDT", "ETH-USDT-SWAP": "ETH/USDT:USDT"}


@pytest.mark.django_db
def test_every_market_of_the_demonstration_is_what_its_venue_lists() -> None:
    slugs = declare_demo_desk(datetime(2026, 1, 1, tzinfo=UTC))
    assert slugs == ["dct-usdt-dex", "gram-usdt-cex", "eth-usdt-perp"]
    for market in Market.objects.select_related("account__venue"):
        listed = {item.instrument.symbol: item.instrument for item in VENUES[market.account.venue.slug]}
        instrument = listed[NAMES.get(market.venue_symbol, market.venue_symbol)]
        assert (market.instrument, market.contract_value) == (instrument.kind.value, instrument.contract_value)
        assert (market.base_id, market.quote_id) == (instrument.base.lower(), instrument.quote.lower())
        assert market.lot_size == D(STARTING_VALUES[market.slug].lot_size)
        assert market.lot_size % (instrument.lot_step * instrument.contract_value) == 0
        assert ExposureLimit.objects.filter(scope="asset", key=market.base_id).exists()
        assert ParameterSet.objects.get(market=market).version == 1
        assert TradingControl.objects.get(scope=market.slug).state == "ACTIVE"
