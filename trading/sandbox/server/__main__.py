"""`python -m trading.sandbox.server --venue dex ...`: the venue without Django."""

from __future__ import annotations

import argparse
import os
import sys

from trading.sandbox.server.app import main
from trading.sandbox.server.settings import add_arguments

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="sandbox_venue", description="A sandbox exchange.")
    add_arguments(parser)
    sys.exit(main(vars(parser.parse_args()), os.environ))
