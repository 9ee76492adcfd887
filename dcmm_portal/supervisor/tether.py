"""Run a command so that it cannot outlive its parent: `python tether.py SIGNAL PARENT_PID COMMAND ...`.

The kernel sends SIGNAL to this process when its parent dies, however that dies. It must be asked for after any change of
user namespace (which clears the wish) and before the command replaces this process. Standard library only, no site.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    signal_number, parent = int(arguments[0]), int(arguments[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the wish was made
            sys.exit(1)
    os.execv(arguments[2], arguments[2:])


if __name__ == "__main__":
    main(sys.argv[1:])
