"""Configuration: the environment first, then what the supervisor recorded for this DATA_DIR. Read once, validated here.

The supervisor writes `<DATA_DIR>/runtime/app.env` (addresses and generated passwords of the embedded servers, mode 0600) so
that `manage.py` commands of another shell reach the running system with nothing but the same DATA_DIR. The owner's
database address stands in a file of its own (`owner.env`), read only when DCMM_DB_ROLE=owner asks for it.
"""

from __future__ import annotations

import os
from pathlib import Path

from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / ".dcmm").absolute()
RUNTIME_DIR = DATA_DIR / "runtime"
SECRETS_DIR = DATA_DIR / "secrets"


def read_env_file(path: Path) -> dict[str, str]:
    """`NAME=value` lines of `path`; empty when the file is missing. Values are taken literally."""
    try:
        lines = path.read_text().splitlines()
    except (FileNotFoundError, PermissionError):
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value for name, value in pairs}


def _adopt(path: Path) -> set[str]:
    recorded = {name: value for name, value in read_env_file(path).items() if name not in os.environ}
    os.environ.update(recorded)
    return set(recorded)


# Names that were not in the environment but recorded by a running (or earlier) system of this DATA_DIR.
RECORDED_NAMES = _adopt(RUNTIME_DIR / "app.env")
if os.environ.get("DCMM_DB_ROLE") == "owner":
    RECORDED_NAMES |= _adopt(RUNTIME_DIR / "owner.env")

env = Env()
