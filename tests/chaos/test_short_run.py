"""A short chaos run of the whole system: twenty kills, and nothing is lost, doubled, orphaned or past a limit."""

from __future__ import annotations

import json

import pytest

from dcmm_portal.chaos.run import run, wanted_from

pytestmark = pytest.mark.whole


def test_twenty_kills_lose_nothing() -> None:
    result = run(wanted_from(20, None, seed=11, busy=False, keep=False), print)
    assert result["clean"] and result["counts"], json.dumps(result, indent=1)
