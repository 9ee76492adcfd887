"""Starting children that die with us, and finding free ports."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")


def tethered(death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """Command prefix: the child is sent `death_signal` when this process dies. Spawn from the main thread only."""
    return [sys.executable, "-S", "-E", str(TETHER), str(int(death_signal)), str(os.getpid())]


def free_port() -> int:
    """A TCP port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """True if this process could listen on the loopback's `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
