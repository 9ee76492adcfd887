"""The demonstration's treasury: the same from the same time, marked in every row, and refused wherever it does not belong."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from itertools import pairwise

import pytest
from django.apps import apps
from django.db import connection

from disclosures.documents.facts import freeze
from tests.treasury.conftest import NOW
from trading.models import Buyback, BuybackProgramme, Event, TreasuryBalance
from trading.treasury.demo import AlreadyDeclared, declare_demo_treasury, demo_address

TABLES = ("treasurywallet", "treasurybalance", "buybackprogramme", "buyback", "rewardepoch", "rewardpayout")


def test_it_is_the_same_from_the_same_time(treasury: None) -> None:
    rows = Buyback.objects.order_by("at").values_list("at", "outcome", "reason", "size", "price", "cost")
    told = "\n".join(" ".join(map(str, row)) for row in rows)
    assert hashlib.sha256(told.encode()).hexdigest()[:16] == "9f117ad0e2af7e40"
    assert (TreasuryBalance.objects.count(), BuybackProgramme.objects.count()) == (540, 1)


def test_every_row_is_marked(treasury: None) -> None:
    for name in TABLES:
        model = apps.get_model("trading", name)
        assert model.objects.exists() and not model.objects.filter(is_demo=False).exists(), name
    event = Event.objects.get(type="treasury_declaration.written")
    assert event.payload == {"is_demo": True, "wallets": 3, "balances": 540, "buybacks": 120, "epochs": 3}


def test_an_address_of_it_is_a_hash_of_words() -> None:
    assert demo_address("x") == f"0:{hashlib.sha256(b'DCMM demonstration x').hexdigest()}"


def test_there_is_one_treasury(treasury: None) -> None:
    with pytest.raises(AlreadyDeclared):
        declare_demo_treasury(NOW)


def test_turns_keep_their_distance(treasury: None) -> None:
    times = list(Buyback.objects.filter(outcome="executed").order_by("at").values_list("at", flat=True))
    assert min(b - a for a, b in pairwise(times)) >= timedelta(hours=8)


def test_facts_of_documents_read_these_tables(treasury: None) -> None:
    """A text cannot contradict the system; what is made up says so, also frozen."""
    facts = freeze(["wallets", "buyback_programmes", "buyback_interval_h", "buyback_volume_pct"])
    assert facts["wallets"]["rows"][1] == ["Buybacks (demonstration)", demo_address("demo-buybacks"), "dct, usdt"]
    assert facts["buyback_programmes"]["rows"] == [
        ["demo-programme (demonstration)", "DCT/USDT", "400", "1200", "8", "usdt"]
    ]
    assert (facts["buyback_interval_h"]["text"], facts["buyback_volume_pct"]["text"]) == ("4", "25")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'buybacks_four_hours_apart'"
        )
        ((definition,),) = cursor.fetchall()
    assert "'04:00:00'::interval" in definition
