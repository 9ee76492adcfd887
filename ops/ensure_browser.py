"""Make sure the browser tests find a browser: the system's Chromium, else Debian's package (as root), else Playwright's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ops.debian import install


def main() -> int:
    if shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
        return 0
    if install("chromium", "fonts-dejavu-core") and shutil.which("chromium"):
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
