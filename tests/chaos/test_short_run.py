"""A short chaos run of the whole system, a blow of every kind: nothing is lost, doubled, orphaned or past a limit."""

from __future__ import annotations

import json

import pytest

from dcmm_portal.chaos.run import KINDS, run, wanted_from

pytestmark = pytest.mark.whole


def test_one_of_every_kind_loses_nothing() -> None:
    result = run(wanted_from(KINDS, None, seed=11, busy=False, keep=False), print)
    assert result["clean"] and result["counts"], json.dumps(result, indent=1)
