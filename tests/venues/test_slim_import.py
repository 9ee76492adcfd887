"""The short way to ccxt's OKX classes: lighter, the same classes, and nobody else in the process notices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = """
import sys
def pss_mb():
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
"""


def run(code: str) -> list[str]:
    """Run code in a fresh interpreter; its output's lines."""
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split("\n")


BEFORE = "import aiohttp; before = pss_mb()\n"


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's smaps_rollup")
def test_only_okx_is_loaded_which_saves_more_than_40_mb_and_the_rest_still_works_when_asked_for() -> None:
    slim = run(
        BEFORE
        + """
from trading.venues.ccxt_okx.slim_import import load_okx
okx = load_okx()
print(pss_mb() - before)
print(sorted(name for name in sys.modules if name in ("ccxt.binance", "ccxt.pro.kraken", "ccxt.async_support.bybit")))
import ccxt, ccxt.async_support, ccxt.pro
print(load_okx() is okx, ccxt.pro.okx is okx, issubclass(okx, ccxt.async_support.okx))
print(ccxt.pro.kraken().id, ccxt.binance().id, ccxt.async_support.bybit().id, "kraken" in ccxt.exchanges)
try:
    ccxt.no_such_thing
except AttributeError as error:
    print(error)
"""
    )
    plain = run(
        BEFORE
        + """
import ccxt.pro
print(pss_mb() - before)
from trading.venues.ccxt_okx.slim_import import load_okx
print(load_okx() is ccxt.pro.okx)
"""
    )
    assert slim[1:5] == [
        "[]",
        "True True True",
        "kraken binance bybit True",
        "module 'ccxt' has no attribute 'no_such_thing'",
    ]
    assert plain[1] == "True"  # where all of ccxt is imported already, that is used
    assert float(plain[0]) - float(slim[0]) > 40.0


def test_when_the_short_way_fails_all_of_ccxt_is_imported() -> None:
    lines = run(
        """
import importlib.util  # by its path: the adapter's package would load ccxt before the test can break anything
spec = importlib.util.spec_from_file_location("slim_import", "trading/venues/ccxt_okx/slim_import.py")
slim_import = importlib.util.module_from_spec(spec)
spec.loader.exec_module(slim_import)
def broken(name):
    raise ImportError("as if ccxt were built otherwise")
slim_import._light = broken
okx = slim_import.load_okx()
print(okx.__module__, "ccxt.pro.kraken" in sys.modules)
"""
    )
    assert lines[0] == "ccxt.pro.okx True"


def test_ccxt_is_loaded_by_the_first_open_in_a_thread_so_that_the_loop_goes_on() -> None:
    told = run(
        """
import asyncio, threading, structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from trading.clock import SystemClock
from trading.venues.ccxt_okx import open_adapter
from trading.venues.credentials import Credential
from trading.venues.interface import VenueUnavailable
from tests.venues.stage import DIALECTS
loaded = lambda: [name for name in sys.modules if name.split(".")[0] == "ccxt"]
print(len(loaded()))
threads = set()
def hear(event, args):
    if event == "import" and str(args[0]).startswith("ccxt."):
        threads.add(threading.current_thread() is threading.main_thread())
sys.addaudithook(hear)
venue = open_adapter(
    markets=(DIALECTS["ccxt_okx"].market,), account="a", base_url="http://127.0.0.1:9",
    credential=Credential("k", "s", "p"), clock=SystemClock(), seed=1,
)
async def main():
    try:
        await venue.open()
    except VenueUnavailable:
        print("unavailable")
asyncio.run(main())
print(threads, len(loaded()) > 5)
"""
    )
    assert told[:3] == ["0", "unavailable", "{False} True"]
