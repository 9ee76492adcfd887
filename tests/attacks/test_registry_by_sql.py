"""What is traded, where and in which units, and the limits of assets and desk, attacked in SQL as the application."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import pytest
from django.core.management import call_command
from django.core.serializers import serialize
from django.db import DatabaseError, transaction
from django.test import Client

from governance.models import User
from governance.review.applying import apply, apply_at_once
from tests.attacks.desk import TIMELOCK, Desk
from trading.models import Asset, ExposureLimit, Market
from trading.parameters.starting_values import STARTING_VALUES

LOT_SIZE: Final = Decimal(STARTING_VALUES["gram-usdt-cex"].lot_size)


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
        "UPDATE markets SET demanded_gates = 'disclosures'",
        "UPDATE markets SET demanded_gates = 'disclosures', version = version + 1",
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
def test_what_is_traded_changes_only_by_a_proposal(desk: Desk, statement: LiteralString) -> None:
    told = desk.refused(statement)
    wanted = ("changes only by an approved proposal", "belongs to the genesis", "permission denied", "only grows")
    assert any(one in told for one in wanted), told


@pytest.mark.attacks("markets.is_active")
def test_a_market_is_switched_off_and_not_on_again(desk: Desk) -> None:
    desk.app.execute("UPDATE markets SET is_active = false WHERE slug = 'dct-usdt-dex'")
    told = desk.refused("UPDATE markets SET is_active = true WHERE slug = 'dct-usdt-dex'")
    assert "changes only by an approved proposal" in told


MARKET = "UPDATE markets SET venue_symbol = %s, version = version + 1, authorised_by = %s WHERE slug = 'gram-usdt-cex'"
SYMBOL = {"registry": {"market:gram-usdt-cex": {"venue_symbol": "TON-USDT"}}}
LABEL = {"registry": {"market:gram-usdt-cex": {"source_label": "x"}}}
NEW_ASSET = {"registry": {"asset:moon": {"name": "Moon", "decimals": "9"}}}
INSERT_ASSET = (
    "INSERT INTO assets (id, name, decimals, chain_address, version, authorised_by)"
    " VALUES ('moon', 'Moon', %s, '', %s, %s)"
)


@pytest.mark.attacks("markets.*")
def test_a_row_follows_its_proposal_word_by_word(desk: Desk) -> None:
    draft = desk.draft(SYMBOL, "registry")
    assert "not approved" in desk.refused(MARKET, ["TON-USDT", f"proposal:{draft.pk}"])
    made = desk.approved(SYMBOL, "registry")
    by = f"proposal:{made.pk}"
    assert "still in its timelock" in desk.refused(MARKET, ["TON-USDT", by])
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert "says other values" in desk.refused(MARKET, ["OTHER", by])
    assert "says other values" in desk.refused(MARKET.replace("SET ", "SET lot_size = 9, "), ["TON-USDT", by])
    assert "says other values" in desk.refused(MARKET.replace("SET ", "SET is_active = false, "), ["TON-USDT", by])
    assert "another version of market:dct-usdt-dex" in desk.refused(
        MARKET.replace("gram-usdt-cex", "dct-usdt-dex"), ["TON-USDT", by]
    )
    assert "another version" in desk.refused(MARKET.replace("version + 1", "version + 2"), ["TON-USDT", by])
    assert "another version" in desk.refused(MARKET.replace("SET ", "SET slug = 'other', "), ["TON-USDT", by])
    assert "explains no change" in desk.refused(MARKET, ["TON-USDT", f"proposal:{desk.draft(LOWER, 'limits').pk}"])
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    desk.app.execute("UPDATE markets SET is_active = false WHERE slug = 'gram-usdt-cex'")
    # What was applied once explains nothing any more.
    assert "another version" in desk.refused(MARKET, ["TON-USDT", by])


@pytest.mark.attacks("markets.*", "assets.*")
def test_a_label_s_approval_allows_no_more_and_a_new_row_only_as_it_was_said(desk: Desk) -> None:
    label, asset = desk.in_review(LABEL, "registry"), desk.approved(NEW_ASSET, "registry")
    assert "not approved" in desk.refused(
        "UPDATE markets SET source_label = 'x', version = version + 1, authorised_by = %s WHERE slug = 'gram-usdt-cex'",
        [f"proposal:{label.pk}"],
    )
    desk.travel(TIMELOCK + timedelta(seconds=5))
    by = f"proposal:{asset.pk}"
    assert "says other values" in desk.refused(INSERT_ASSET, [8, 1, by])
    assert "another version" in desk.refused(INSERT_ASSET, [9, 2, by])
    assert "explains no" in desk.refused(INSERT_ASSET, [9, 1, "proposal:99"])
    assert "does not name it" in desk.refused("UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [asset.pk])
    assert apply(asset.pk, now=desk.now()).state == "APPLIED"


GATES = "UPDATE markets SET demanded_gates = %s, version = version + 1, authorised_by = %s WHERE slug = 'gram-usdt-cex'"


def demanding(text: str) -> dict[str, Any]:
    return {"registry": {"market:gram-usdt-cex": {"demanded_gates": text}}}


@pytest.mark.attacks("markets.demanded_gates")
def test_a_demanded_gate_goes_only_as_others_approved(desk: Desk) -> None:
    demand = desk.draft(demanding("disclosures"), "registry")
    assert "says other values" in desk.refused(GATES, ["", f"proposal:{demand.pk}"])
    assert "says other values" in desk.refused(GATES, ["live", f"proposal:{demand.pk}"])
    apply_at_once(desk.people["olga"], demand.pk, key="demand", now=desk.now())
    row = "SELECT demanded_gates FROM markets WHERE slug = 'gram-usdt-cex'"
    assert desk.one(row)["demanded_gates"] == "disclosures"
    for statement in (
        "UPDATE markets SET demanded_gates = ''",
        "UPDATE markets SET demanded_gates = DEFAULT",
        "UPDATE markets SET demanded_gates = '', version = version + 1 WHERE slug = 'gram-usdt-cex'",
        "UPDATE markets SET demanded_gates = '', is_active = false WHERE slug = 'gram-usdt-cex'",
        "ALTER TABLE markets DROP CONSTRAINT market_demands_known_gates",
        "CREATE OR REPLACE FUNCTION order_gate() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    ):
        desk.refused(statement)
    # The approval of a label is none for the gate, and what a proposal calls itself is not believed.
    label = desk.draft(LABEL, "registry")
    assert "not approved" in desk.refused(GATES, ["", f"proposal:{label.pk}"])
    drop = desk.draft(demanding(""), "registry")
    desk.app.execute("UPDATE proposals SET risk_class = 'reducing', revision = revision + 1 WHERE id = %s", [drop.pk])
    assert "not approved" in desk.refused(GATES, ["", f"proposal:{drop.pk}"])
    made = desk.approved(demanding(""), "registry")
    assert "still in its timelock" in desk.refused(GATES, ["", f"proposal:{made.pk}"])
    with pytest.raises(DatabaseError), transaction.atomic():
        Market.objects.filter(slug="gram-usdt-cex").update(demanded_gates="")
    with pytest.raises(DatabaseError), transaction.atomic():
        Market.objects.bulk_update([Market(pk=Market.objects.get(slug="gram-usdt-cex").pk)], ["demanded_gates"])
    assert desk.one(row)["demanded_gates"] == "disclosures"


@pytest.mark.attacks("markets.demanded_gates")
def test_what_was_traded_may_demand_a_gate(desk: Desk) -> None:
    desk.app.execute(
        "INSERT INTO orders (client_order_id, market_id, venue_order_id, side, level, epoch, price, size, filled, status, reason,"
        " correlation_id, parameter_version, created_at, updated_at)"
        " SELECT 'o1', id, '', 'buy', 0, 1, 1, 1, 0, 'LIVE', '', '', 1, now(), now() FROM markets WHERE slug = 'gram-usdt-cex'"
    )
    demand = desk.draft(demanding("disclosures"), "registry")
    assert apply_at_once(desk.people["olga"], demand.pk, key="demand", now=desk.now()).state == "APPLIED"


@pytest.mark.attacks("markets.*", "venue_accounts.*")
def test_what_was_traded_keeps_its_units_even_as_approved(desk: Desk) -> None:
    made = desk.approved(SYMBOL, "registry")
    desk.app.execute(
        "INSERT INTO orders (client_order_id, market_id, venue_order_id, side, level, epoch, price, size, filled, status, reason,"
        " correlation_id, parameter_version, created_at, updated_at)"
        " SELECT 'o1', id, '', 'buy', 0, 1, 1, 1, 0, 'LIVE', '', '', 1, now(), now() FROM markets WHERE slug = 'gram-usdt-cex'"
    )
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert "what was traded keeps" in desk.refused(MARKET, ["TON-USDT", f"proposal:{made.pk}"])
    failed = apply(made.pk, now=desk.now())
    assert (failed.state, failed.failure.split(":")[0]) == ("FAILED", "was_traded")


@pytest.mark.attacks("parameter_sets.*", "markets.*", "venue_accounts.*", "venues.*", "assets.*")
def test_a_new_market_s_first_parameters_are_those_of_its_proposal(desk: Desk) -> None:
    values = {"moon-usdt": STARTING_VALUES["dct-usdt-dex"].values}
    market = {
        "account": "dex-desk",
        "base": "dct",
        "quote": "usdt",
        "venue_symbol": "M",
        "lot_size": "1",
        "is_active": "false",
    }
    made = desk.approved({"registry": {"market:moon-usdt": market}, "parameters": values}, "registry")
    desk.travel(TIMELOCK + timedelta(seconds=5))
    by = f"proposal:{made.pk}"
    insert_market = (
        "INSERT INTO markets (slug, account_id, base_id, quote_id, venue_symbol, lot_size, is_active, source_label,"
        " authorised_by) SELECT 'moon-usdt', account_id, base_id, quote_id, 'M', %s, false, '', %s"
        " FROM markets WHERE slug = 'dct-usdt-dex'"
    )
    copy_set = (
        "INSERT INTO parameter_sets SELECT (jsonb_populate_record(s, jsonb_build_object('id', 999, 'version', 1,"
        " 'authorised_by', %s::text, 'market_id', (SELECT id FROM markets WHERE slug = %s), 'gamma', s.gamma * %s::numeric))).*"
        " FROM parameter_sets s JOIN markets m ON m.id = s.market_id WHERE m.slug = 'dct-usdt-dex'"
    )
    assert "says other values" in desk.refused(insert_market, [2, by])
    assert "gives no first parameters" in desk.refused(copy_set, [by, "dct-usdt-dex", 1])
    with pytest.raises(psycopg.Error, match="says another gamma"), desk.app.transaction():
        desk.app.execute(insert_market, [1, by])
        desk.app.execute(copy_set, [by, "moon-usdt", 2])
    with pytest.raises(psycopg.Error, match="is not in the history"), desk.app.transaction():
        desk.app.execute(insert_market, [1, by])
        desk.app.execute(copy_set, [by, "moon-usdt", 1])
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    assert desk.one("SELECT count(*) AS n FROM parameter_sets_history WHERE authorised_by = %s", [by])["n"] == 1


@pytest.mark.attacks("exposure_limits.*", "markets.*", "assets.*")
def test_by_the_orm_in_bulk_by_a_fixture_and_by_the_admin(desk: Desk, tmp_path: Path, client: Client) -> None:
    row, market = ExposureLimit.objects.get(key="dct"), Market.objects.get(slug="gram-usdt-cex")
    row.hard_limit, market.lot_size = Decimal(90_000), Decimal(7)
    fixture = tmp_path / "limits.json"
    fixture.write_text(serialize("json", [row]))
    superuser = User.objects.create(username="root", is_staff=True, is_superuser=True)
    superuser.refresh_from_db()
    for attack in (
        row.save,
        market.save,
        lambda: ExposureLimit.objects.bulk_update([row], ["hard_limit"]),
        lambda: Market.objects.bulk_update([market], ["lot_size"]),
        lambda: ExposureLimit.objects.update(hard_limit=90_000),
        lambda: Asset.objects.bulk_create([Asset(id="moon", name="Moon")]),
        lambda: ExposureLimit.objects.all().delete(),
        lambda: call_command("loaddata", str(fixture), verbosity=0),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attack()
    client.force_login(superuser)
    for page in (f"exposurelimit/{row.pk}", f"market/{market.pk}", "asset/dct"):
        assert client.post(f"/admin/trading/{page}/change/", {"hard_limit": "90000", "lot_size": "7"}).status_code in (
            302,
            403,
        )
    stands = "SELECT hard_limit, lot_size FROM exposure_limits, markets WHERE key = 'dct' AND slug = 'gram-usdt-cex'"
    assert (desk.one(stands)["hard_limit"], desk.one(stands)["lot_size"]) == (50_000, LOT_SIZE)


LOWER = {"limits": {"asset:dct": {"soft_limit": "30000"}}}
HIGHER = {"limits": {"asset:dct": {"hard_limit": "60000"}}}
LIMIT = (
    "UPDATE exposure_limits SET soft_limit = %s, hard_limit = %s, version = version + 1, authorised_by = %s"
    " WHERE scope = 'asset' AND key = 'dct'"
)


@pytest.mark.attacks("exposure_limits.*", "exposure_limits_history.*")
def test_a_limit_is_no_one_s_to_write(desk: Desk) -> None:
    """One desk for all: each is refused, and nothing of it stays."""
    statements: tuple[LiteralString, ...] = (
        "UPDATE exposure_limits SET hard_limit = hard_limit * 2",
        "UPDATE exposure_limits SET soft_limit = soft_limit + 0.001, version = version + 1",
        "UPDATE exposure_limits SET soft_limit = soft_limit / 2, version = version + 1",
        "UPDATE exposure_limits SET soft_limit = NULL, hard_limit = NULL, version = version + 1",
        "UPDATE exposure_limits SET hard_limit = NULL",
        "UPDATE exposure_limits SET hard_limit = 'NaN'",
        "UPDATE exposure_limits SET scope = 'desk' WHERE scope = 'asset' AND key = 'dct'",
        "UPDATE exposure_limits SET key = 'other' WHERE key = 'dct'",
        "UPDATE exposure_limits SET version = version - 1",
        "UPDATE exposure_limits SET authorised_by = 'proposal:1'",
        "INSERT INTO exposure_limits (scope, key, soft_limit, hard_limit) VALUES ('asset', 'usdt', 1000000, 1000000)",
        "INSERT INTO exposure_limits (scope, key, soft_limit, hard_limit) VALUES ('asset', 'nothing', 1, 1)",
        "DELETE FROM exposure_limits",
        "TRUNCATE exposure_limits",
        "ALTER TABLE exposure_limits DISABLE TRIGGER exposure_limits_guard",
        "UPDATE exposure_limits_history SET hard_limit = 1, soft_limit = 1",
        "UPDATE exposure_limits_history SET authorised_by = 'x', version = 7, reason = 'x', applied_at = now()",
        "DELETE FROM exposure_limits_history",
        "TRUNCATE exposure_limits_history",
        "INSERT INTO exposure_limits_history SELECT * FROM exposure_limits_history",
        'INSERT INTO exposure_limits_history SELECT (jsonb_populate_record(h, \'{"history_id": 99, "version": 2}\')).*'
        " FROM exposure_limits_history h WHERE key = 'dct'",
    )
    for statement in statements:
        desk.refused(statement)
    row = desk.one("SELECT soft_limit, hard_limit, version FROM exposure_limits WHERE key = 'dct'")
    assert (row["soft_limit"], row["hard_limit"], row["version"]) == (40_000, 50_000, 1)


@pytest.mark.attacks("exposure_limits.*")
def test_a_limit_is_raised_only_as_approved_and_in_time(desk: Desk) -> None:
    draft = desk.draft(HIGHER, "limits")
    assert "not approved" in desk.refused(LIMIT, [40_000, 60_000, f"proposal:{draft.pk}"])
    # What a proposal calls itself is not believed: the rows are judged.
    desk.app.execute("UPDATE proposals SET risk_class = 'reducing', revision = revision + 1 WHERE id = %s", [draft.pk])
    assert "not approved" in desk.refused(LIMIT, [40_000, 60_000, f"proposal:{draft.pk}"])
    assert "no version of its limits" in desk.refused(
        "UPDATE proposals SET state = 'APPLIED' WHERE id = %s", [draft.pk]
    )
    made = desk.approved(HIGHER, "limits")
    by = f"proposal:{made.pk}"
    assert "still in its timelock" in desk.refused(LIMIT, [40_000, 60_000, by])
    desk.travel(TIMELOCK + timedelta(seconds=5))
    assert "says another hard_limit" in desk.refused(LIMIT, [40_000, 60_001, by])
    assert "says another soft_limit" in desk.refused(LIMIT, [41_000, 60_000, by])
    assert "says another hard_limit" in desk.refused(LIMIT, [None, None, by]).replace("soft_limit", "hard_limit")
    assert "another version of asset:gram" in desk.refused(LIMIT.replace("'dct'", "'gram'"), [4_000, 60_000, by])
    assert "its next version" in desk.refused(LIMIT.replace("version + 1", "version + 2"), [40_000, 60_000, by])
    assert "is not in the history" in desk.refused(LIMIT, [40_000, 60_000, by])
    assert apply(made.pk, now=desk.now()).state == "APPLIED"
    assert "another version" in desk.refused(LIMIT, [40_000, 60_000, by])


@pytest.mark.attacks("exposure_limits.*")
def test_a_lowering_needs_its_proposal_and_its_values(desk: Desk) -> None:
    draft = desk.draft(LOWER, "limits")
    by = f"proposal:{draft.pk}"
    assert "says another soft_limit" in desk.refused(LIMIT, [29_999, 50_000, by])
    assert "is not in the history" in desk.refused(LIMIT, [30_000, 50_000, by])
    apply_at_once(desk.people["olga"], draft.pk, key="low", now=desk.now())
    assert desk.one("SELECT soft_limit FROM exposure_limits WHERE key = 'dct'")["soft_limit"] == 30_000
