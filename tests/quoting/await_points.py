"""Every place at which the sending of orders waits, found by watching it run: a coroutine of the rooms concerned that yields."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("trading/orders/", "trading/quoting/", "trading/hot_state/", "tests/quoting/engine_venue.py")
_YIELD = dis.opmap["YIELD_VALUE"]

Point = str
"""`module.function:n`, the n-th await of the function (from 1, in the order of its lines)."""


@contextmanager
def watching(reached: Callable[[Point], None]) -> Iterator[None]:
    """Calls `reached` at every such place of this thread, while everything that runs on it stands still."""

    def look(frame: FrameType, event: str, arg: object) -> None:
        if event == "return" and _is_waiting(frame):
            point = _point(frame)
            if point is not None:
                reached(point)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _is_waiting(frame: FrameType) -> bool:
    """The frame gives way and will go on; a return ends with another instruction."""
    code = frame.f_code
    return bool(code.co_flags & inspect.CO_COROUTINE) and code.co_code[frame.f_lasti] == _YIELD


def _point(frame: FrameType) -> Point | None:
    code = frame.f_code
    path = code.co_filename.removeprefix(f"{ROOT}/")
    if not path.startswith(ROOMS):
        return None
    module = path.removesuffix(".py").removeprefix("trading/").removeprefix("tests/quoting/").replace("/", ".")
    return f"{module}.{code.co_qualname}:{_awaits(code).index(frame.f_lasti) + 1}"


def _awaits(code: CodeType) -> list[int]:
    return [index for index in range(0, len(code.co_code), 2) if code.co_code[index] == _YIELD]
