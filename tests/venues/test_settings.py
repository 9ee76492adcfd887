"""Credentials, addresses, adapters: what is missing is named, what is secret is not shown."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.venues.stage import DIALECTS, PERPETUALS
from trading.clock import SystemClock
from trading.venues.credentials import Credential, MissingCredential, read_credential, read_webhook_secret
from trading.venues.factory import UnknownAdapter, open_venue
from trading.venues.identity import Identities, VenueListing
from trading.venues.interface import InstrumentKind, NotSent, RejectReason, VenueRejected

DEX, CEX = DIALECTS["ton_dex"].market, DIALECTS["ccxt_okx"].market
ENVIRON = {
    "VENUE_DEX_URL": "http://127.0.0.1:9/",
    "VENUE_CEX_URL": "http://127.0.0.1:9",
    "VENUE_DEX_DESK_KEY_ID": "k1",
    "VENUE_DEX_DESK_SECRET": "s3cr3t-value",
    "VENUE_CEX_DESK_KEY_ID": "k2",
    "VENUE_CEX_DESK_SECRET": "s3cr3t-other",
    "VENUE_CEX_DESK_PASSPHRASE": "phr4se-value",
}


def test_a_credential_is_read_from_the_environment_or_a_file(tmp_path: Path) -> None:
    assert read_credential("dex-desk", environ=ENVIRON) == Credential("k1", "s3cr3t-value")
    (tmp_path / "secret").write_text("from-a-file\n")
    environ = {"VENUE_DEX_DESK_KEY_ID": "k1", "VENUE_DEX_DESK_SECRET_FILE": str(tmp_path / "secret")}
    assert read_credential("dex-desk", environ=environ) == Credential("k1", "from-a-file")
    assert read_credential("cex-desk", passphrase=True, environ=ENVIRON).passphrase == "phr4se-value"


def test_what_is_missing_is_named_and_nothing_else_is(tmp_path: Path) -> None:
    with pytest.raises(MissingCredential) as refused:
        read_credential("cex-desk", passphrase=True, environ={"VENUE_CEX_DESK_SECRET": "s3cr3t-other"})
    assert "VENUE_CEX_DESK_KEY_ID, VENUE_CEX_DESK_PASSPHRASE" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(MissingCredential, match="VENUE_DEX_DESK_SECRET_FILE names a file that can't be read"):
            read_credential("dex-desk", environ={**ENVIRON, "VENUE_DEX_DESK_SECRET_FILE": str(path)})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(MissingCredential, match="names an empty file"):
        read_credential("dex-desk", environ={**ENVIRON, "VENUE_DEX_DESK_SECRET_FILE": str(tmp_path / "empty")})


def test_a_credential_shows_only_its_key_id() -> None:
    credential = read_credential("cex-desk", passphrase=True, environ=ENVIRON)
    assert repr(credential) == str(credential) == "Credential(key_id='k2')"


def test_a_webhook_secret_is_optional() -> None:
    assert read_webhook_secret("dex-desk", {}) == ""
    assert read_webhook_secret("dex-desk", {"VENUE_DEX_DESK_WEBHOOK_SECRET": "w"}) == "w"


def test_the_factory_makes_the_adapter_that_the_registry_names() -> None:
    venue = open_venue([DEX, CEX], "dex-desk", SystemClock(), environ=ENVIRON)
    assert (type(venue).__name__, venue.name, venue.account) == ("TonDexVenue", "dex", "dex-desk")
    venue = open_venue([DEX, CEX], "cex-desk", SystemClock(), environ=ENVIRON)
    assert (type(venue).__name__, venue.name, venue.account) == ("CcxtOkxVenue", "cex", "cex-desk")
    assert "s3cr3t" not in repr(venue) + repr(vars(venue))


@pytest.mark.parametrize(
    ("environ", "error", "told"),
    [
        ({}, MissingCredential, "VENUE_DEX_URL"),
        ({"VENUE_DEX_URL": "127.0.0.1:9"}, MissingCredential, "must start with http"),
        ({"VENUE_DEX_URL": "http://x"}, MissingCredential, "VENUE_DEX_DESK_KEY_ID"),
    ],
)
def test_the_factory_names_what_to_put_right(environ: dict[str, str], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        open_venue([DEX], "dex-desk", SystemClock(), environ=environ)


def test_the_factory_refuses_unknown_adapters_and_accounts() -> None:
    with pytest.raises(UnknownAdapter, match="there are: ccxt_okx, ton_dex"):
        open_venue([replace(DEX, adapter="telepathy")], "dex-desk", SystemClock(), environ=ENVIRON)
    with pytest.raises(UnknownAdapter, match="no active market"):
        open_venue([DEX], "nobody", SystemClock(), environ=ENVIRON)


def test_identity_comes_from_the_venues_list_and_a_ticker_is_none() -> None:
    listings = [VenueListing("DCT/USDT", "DCT", "USDT"), VenueListing("GRAM-USDT", "GRAM", "USDT")]
    identities = Identities()
    with pytest.raises(NotSent):
        identities.symbol("dct-usdt-dex")
    identities.bind([DEX, CEX], listings)
    assert identities.symbol("dct-usdt-dex") == "DCT/USDT"
    assert identities.slug("GRAM-USDT") == "gram-usdt-cex"
    assert [identities.asset(code) for code in ("DCT", "GRAM", "USDT", "TON")] == ["dct", "gram", "usdt", "venue:TON"]
    with pytest.raises(VenueRejected) as refused:
        identities.symbol("ton-usdt-cex")
    assert refused.value.reason is RejectReason.UNKNOWN_MARKET
    assert "dct-usdt-dex, gram-usdt-cex" in str(refused.value)


def test_one_currency_of_the_venue_is_never_two_assets_of_ours() -> None:
    jetton = replace(CEX, slug="gramjetton-usdt-cex", base="gram-jetton")
    with pytest.raises(VenueRejected, match="both gram and gram-jetton"):
        Identities().bind([CEX, jetton], [VenueListing("GRAM-USDT", "GRAM", "USDT")])
    with pytest.raises(VenueRejected, match="it offers: no market at all"):
        Identities().bind([CEX], [])


def test_a_market_switched_off_keeps_its_name() -> None:
    delisted = replace(CEX, slug="gone-usdt-cex", venue_symbol="GONE-USDT", base="gone")
    identities = Identities()
    listings = [VenueListing("DCT/USDT", "DCT", "USDT"), VenueListing("GRAM-USDT", "GRAM", "USDT")]
    identities.bind([DEX], listings, known=[CEX, delisted])
    assert identities.slug("GRAM-USDT") == CEX.slug
    assert identities.slug("GONE-USDT") == "gone-usdt-cex"
    assert (identities.asset("GRAM"), identities.asset("GONE")) == ("gram", "gone")
    assert identities.slugs() == (DEX.slug,)
    with pytest.raises(VenueRejected):
        identities.symbol(CEX.slug)


def test_a_pair_is_found_among_markets_of_its_own_kind() -> None:
    perpetual, contract = PERPETUALS["ccxt_okx"].market, Decimal("0.1")
    swap = VenueListing("ETH-USDT-SWAP", "ETH", "USDT", InstrumentKind.LINEAR_PERPETUAL, contract)
    listings = [swap, VenueListing("ETH-USDT", "ETH", "USDT")]
    identities = Identities()
    identities.bind([replace(perpetual, venue_symbol="ETH/USDT")], listings)
    assert identities.symbol("eth-usdt-perp") == "ETH-USDT-SWAP"
    assert identities.base_size("ETH-USDT-SWAP", Decimal(7)) == Decimal("0.7")
    assert identities.wire_size("ETH-USDT-SWAP", Decimal("0.7")) == 7
    assert identities.base_size("ETH-USDT", Decimal(7)) == identities.wire_size("ETH-USDT", Decimal(7)) == 7
    with pytest.raises(VenueRejected, match=r"linear_perpetual of 0\.1 at venue cex, and linear_perpetual of 1 in"):
        Identities().bind([replace(perpetual, contract_value=Decimal(1))], listings)


def test_a_size_that_no_number_of_contracts_makes_is_refused() -> None:
    third = VenueListing("ETH-USDT-SWAP", "ETH", "USDT", InstrumentKind.LINEAR_PERPETUAL, Decimal("0.3"))
    identities = Identities()
    identities.bind([replace(PERPETUALS["ccxt_okx"].market, contract_value=Decimal("0.3"))], [third])
    assert identities.wire_size("ETH-USDT-SWAP", Decimal("0.9")) == 3
    with pytest.raises(VenueRejected) as refused:
        identities.wire_size("ETH-USDT-SWAP", Decimal(1))
    assert refused.value.reason is RejectReason.BAD_SIZE


def test_a_perpetual_no_longer_listed_keeps_its_name_and_its_contract() -> None:
    identities = Identities()
    identities.bind([CEX], [VenueListing("GRAM-USDT", "GRAM", "USDT")], known=[PERPETUALS["ccxt_okx"].market])
    assert identities.slug("ETH-USDT-SWAP") == "eth-usdt-perp"
    assert (identities.asset("ETH"), identities.asset("USDT")) == ("eth", "usdt")
    assert identities.base_size("ETH-USDT-SWAP", Decimal(5)) == Decimal("0.5")
