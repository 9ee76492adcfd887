"""Make sure the tests find a transaction pooler: the system's PgBouncer, else Debian's package (as root)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ops.debian import install


def path() -> str | None:
    """Where PgBouncer is; Debian keeps it where only root's PATH looks."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


def main() -> int:
    if path() or (install("pgbouncer") and path()):
        return 0
    print(
        "no transaction pooler for the tests: install PgBouncer (sudo apt install pgbouncer) and run make test again",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
