"""An installation without a treasury: empty pages that say what to expect, and nobody but the owner role makes one up."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import ProgrammingError, transaction
from django.test import Client

from disclosures.documents.facts import FACTS
from tests.support.demo import declare_two_markets
from tests.treasury.conftest import NOW
from tests.treasury.test_pages import API, NOTICE, ROOMS, TABLES, seen
from trading.models import TreasuryDeclaration
from trading.treasury.demo import declare_demo_treasury


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def test_without_a_treasury_every_page_says_what_to_expect(db: None, client: Client) -> None:
    declare_two_markets(NOW)
    for room, words in zip(
        ROOMS, ("No wallet is recorded", "No buyback programme is recorded", "No epoch of rewards"), strict=True
    ):
        page = seen(client, f"/{room}/")
        assert words in page and NOTICE not in page and 'href="/disclosures/"' in page
    for address in TABLES:
        if "asset=" not in address:
            body = client.get(API + address).json()
            assert (body["data"], body["rows"]) == ("none", []) and "notice" not in body
    assert "none yet" in seen(client, f"{API}treasury/balances/?asset=dct", 400)


def test_only_the_owner_role_makes_it_up(db: None) -> None:
    declare_two_markets(NOW)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        declare_demo_treasury(NOW)
    assert not TreasuryDeclaration.objects.exists()


def test_without_a_treasury_the_facts_are_empty(db: None) -> None:
    assert FACTS["wallets"].read() == FACTS["buyback_programmes"].read() == []
