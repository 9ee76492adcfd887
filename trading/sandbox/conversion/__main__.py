"""`python -m trading.sandbox.conversion dct|gram|eth INPUT OUTPUT`: make a record file from its raw data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trading.sandbox.conversion import binance_inverse, binance_spot, ton_swaps

CONVERTERS = {"dct": binance_spot.convert, "eth": binance_inverse.convert, "gram": ton_swaps.convert}


def main() -> int:
    parser = argparse.ArgumentParser(prog="trading.sandbox.conversion", description=__doc__)
    parser.add_argument("market", choices=sorted(CONVERTERS))
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    chosen = parser.parse_args()
    events = CONVERTERS[chosen.market](chosen.input, chosen.output)
    sys.stdout.write(f"{chosen.output}: {events} events, {chosen.output.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
