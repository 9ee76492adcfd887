"""Strictest of control and locks; what each state lets a side do."""

from __future__ import annotations

import pytest

from trading.risk.side import Side, adds_exposure
from trading.risk.states import SidePermission, TradingState, effective_state, permission, strictest

ACTIVE, REDUCING, PAUSED, HALTED = TradingState


def test_stored_words_and_order() -> None:
    assert [state.value for state in TradingState] == ["active", "reducing", "paused", "halted"]
    assert [state.strictness for state in TradingState] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("control", "locks", "expected"),
    [
        (ACTIVE, (), ACTIVE),
        (ACTIVE, (REDUCING,), REDUCING),
        (ACTIVE, (REDUCING, PAUSED), PAUSED),
        (PAUSED, (REDUCING,), PAUSED),
        (REDUCING, (ACTIVE,), REDUCING),  # a lock never loosens
        (HALTED, (ACTIVE, PAUSED), HALTED),
    ],
)
def test_effective_state(control: TradingState, locks: tuple[TradingState, ...], expected: TradingState) -> None:
    assert effective_state(control, locks) is expected


def test_no_state_is_not_active() -> None:
    with pytest.raises(ValueError, match="no trading state"):
        strictest(())


def test_permissions() -> None:
    assert permission(ACTIVE) is SidePermission.ALL
    assert permission(REDUCING) is SidePermission.REDUCE_ONLY
    assert permission(PAUSED) is permission(HALTED) is SidePermission.NONE
    assert [state.may_place for state in TradingState] == [True, True, False, False]


def test_which_side_adds() -> None:
    assert adds_exposure(Side.BUY, 1.0) and not adds_exposure(Side.SELL, 1.0)
    assert adds_exposure(Side.SELL, -1.0) and not adds_exposure(Side.BUY, -1.0)
    assert adds_exposure(Side.BUY, 0.0) and adds_exposure(Side.SELL, 0.0)
    assert Side.BUY.opposite is Side.SELL and Side.SELL.opposite is Side.BUY
