"""What is traded, where and in which units, and the limits of assets and desk, attacked in SQL as the application."""

from __future__ import annotations

from typing import LiteralString

import pytest

from tests.attacks.desk import Desk


@pytest.mark.attacks("markets.*", "venues.*", "venue_accounts.*", "assets.*", "asset_aliases.*")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE markets SET slug = 'other' WHERE slug = 'dct-usdt-dex'",
        "UPDATE markets SET account_id = (SELECT max(id) FROM venue_accounts) WHERE slug = 'dct-usdt-dex'",
        "UPDATE markets SET base_id = quote_id",
        "UPDATE markets SET quote_id = base_id",
        "UPDATE markets SET venue_symbol = 'OTHER'",
        "UPDATE markets SET lot_size = lot_size * 10",
        "UPDATE markets SET instrument = 'linear_perpetual', contract_value = 1",
        "UPDATE markets SET contract_value = 2 WHERE contract_value IS NOT NULL",
        "UPDATE markets SET source_label = 'other'",
        "INSERT INTO markets (slug, account_id, base_id, quote_id, venue_symbol, lot_size, instrument, is_active, source_label)"
        " SELECT 'new', account_id, quote_id, base_id, 'NEW', lot_size, instrument, is_active, source_label FROM markets"
        " WHERE slug = 'dct-usdt-dex'",
        "DELETE FROM markets",
        "TRUNCATE markets CASCADE",
        "UPDATE venues SET slug = 'other' WHERE slug = 'dex'",
        "UPDATE venues SET name = 'other'",
        "UPDATE venues SET kind = 'x'",
        "UPDATE venues SET adapter = 'other'",
        "INSERT INTO venues (slug, name, kind, adapter) SELECT 'new', name, kind, adapter FROM venues LIMIT 1",
        "UPDATE venue_accounts SET venue_id = (SELECT max(id) FROM venues) WHERE slug = 'dex-desk'",
        "UPDATE venue_accounts SET slug = 'other' WHERE slug = 'dex-desk'",
        "INSERT INTO venue_accounts (venue_id, slug) SELECT venue_id, 'new' FROM venue_accounts LIMIT 1",
        "UPDATE assets SET id = 'other' WHERE id = 'dct'",
        "UPDATE assets SET name = 'other'",
        "UPDATE assets SET decimals = 2",
        "UPDATE assets SET chain_address = '0x0'",
        "INSERT INTO assets (id, name, decimals, chain_address) VALUES ('new', 'New', 18, '')",
        "UPDATE asset_aliases SET asset_id = 'usdt'",
        "UPDATE asset_aliases SET ticker = 'OTHER'",
        "UPDATE asset_aliases SET valid_from = '2020-01-01'",
        "UPDATE asset_aliases SET valid_until = '2030-01-01'",
        "INSERT INTO asset_aliases (asset_id, ticker, valid_from, note) VALUES ('dct', 'USDT', now(), '')",
        "DELETE FROM asset_aliases",
    ],
)
def test_what_is_traded_belongs_to_the_genesis(desk: Desk, statement: LiteralString) -> None:
    told = desk.refused(statement)
    assert "belongs to the genesis" in told or "permission denied" in told or "only grows" in told


@pytest.mark.attacks("markets.is_active")
def test_a_market_is_switched_off_and_not_on_again(desk: Desk) -> None:
    desk.app.execute("UPDATE markets SET is_active = false WHERE slug = 'dct-usdt-dex'")
    assert "belongs to the genesis" in desk.refused("UPDATE markets SET is_active = true")


@pytest.mark.attacks("exposure_limits.*")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE exposure_limits SET hard_limit = hard_limit * 2",
        "UPDATE exposure_limits SET soft_limit = soft_limit + 0.001",
        "UPDATE exposure_limits SET scope = 'desk' WHERE scope = 'asset' AND key = 'dct'",
        "UPDATE exposure_limits SET key = 'other' WHERE key = 'dct'",
        "INSERT INTO exposure_limits (scope, key, soft_limit, hard_limit) VALUES ('asset', 'other', 1000000, 1000000)",
        "DELETE FROM exposure_limits",
        "TRUNCATE exposure_limits",
    ],
)
def test_a_limit_is_only_lowered(desk: Desk, statement: LiteralString) -> None:
    told = desk.refused(statement)
    assert "is only lowered" in told or "permission denied" in told or "only grows" in told


def test_lowering_a_limit_needs_nobody(desk: Desk) -> None:
    desk.app.execute("UPDATE exposure_limits SET soft_limit = soft_limit / 2")
    assert desk.one("SELECT bool_and(soft_limit < hard_limit) AS fine FROM exposure_limits")["fine"]
