"""How the audit of a chaos run reads the registry: names of the venues' own books, and what a contract is."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import cast

from dcmm_portal.chaos.books import read_books, watched_markets
from dcmm_portal.chaos.observer import WatchedMarket
from dcmm_portal.chaos.private_system import PrivateSystem
from tests.support.perpetual import declare_perpetual
from trading.registry.services import declare_demo_desk

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Addressed:
    """Where the run's database is."""

    def addresses(self) -> dict[str, str]:
        return {"DATABASE_URL": os.environ["DATABASE_URL"]}


def test_a_perpetual_is_named_as_in_the_venues_books_and_counted_in_contracts(committed_db: None) -> None:
    declare_demo_desk(NOW)
    declare_perpetual(NOW)
    system = cast(PrivateSystem, Addressed())
    assert set(watched_markets(system)) == {
        WatchedMarket("dct-usdt-dex", "DCT/USDT", "sandbox-dex"),
        WatchedMarket("gram-usdt-cex", "GRAM/USDT", "sandbox-cex"),
        WatchedMarket("eth-usdt-perp", "ETH/USDT:USDT", "sandbox-cex"),
    }
    books = read_books(system, NOW)
    assert books.contract_values == {"eth-usdt-perp": D("0.1")}
    assert books.is_perpetual("eth-usdt-perp") and not books.is_perpetual("gram-usdt-cex")
