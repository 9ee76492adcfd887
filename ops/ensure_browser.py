"""Make sure the browser tests find a browser: the system's Chromium, else Debian's package (as root), else Playwright's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def main() -> int:
    if shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL}
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, **quiet)
        done = subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
            env=environment,
            **quiet,
        )
        if done.returncode == 0 and shutil.which("chromium"):
            return 0
    if subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"]).returncode == 0:
        return 0
    print(
        "no browser for the browser tests: install Chromium (sudo apt install chromium) and run make test again",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
