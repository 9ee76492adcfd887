"""Delete this DATA_DIR: database, hot state, sandbox ledgers, generated secrets, logs. Asks first. Standard library only."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    data_dir = Path(os.environ.get("DATA_DIR") or ROOT / ".dcmm").absolute()
    if not data_dir.exists():
        print(f"nothing to reset: {data_dir} does not exist")
        return 0
    if not (data_dir / "runtime").is_dir():
        print(f"refused: {data_dir} is not a data directory of this portal (it has no runtime folder)")
        return 1
    lock = data_dir / "runtime" / "up.lock"
    if lock.exists():
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("refused: the system is running on this DATA_DIR; stop it first (Ctrl-C in its terminal)")
                return 1
    answer = input(f"This deletes every fill, position, decision and secret under {data_dir}. Type 'reset' to do it: ")
    if answer.strip() != "reset":
        print("nothing was deleted")
        return 1
    shutil.rmtree(data_dir)
    print("deleted; `make run` starts afresh")
    return 0


if __name__ == "__main__":
    sys.exit(main())
