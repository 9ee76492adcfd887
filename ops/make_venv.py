"""Make the virtual environment and install a requirements file into it: `python make_venv.py VENV REQUIREMENTS`.

Standard library only: this runs before anything is installed. Works where `ensurepip` is missing but some pip exists;
where none does it says exactly what to install.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)


def fail(message: str) -> None:
    sys.exit(f"make venv: {message}")


def create(venv: Path) -> None:
    """Create `venv` unless its Python works."""
    python = venv / "bin" / "python"
    if python.exists() and subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    if has_ensurepip and subprocess.run([sys.executable, "-m", "venv", str(venv)]).returncode == 0:
        return
    if subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)]).returncode != 0:
        fail("Python's venv module does not work here. On Debian or Ubuntu: sudo apt install python3-venv python3-pip")
    borrowed = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "pip"]
    if importlib.util.find_spec("pip") is None or subprocess.run(borrowed).returncode != 0:
        fail("neither ensurepip nor pip is here. On Debian or Ubuntu: sudo apt install python3-venv python3-pip")


def main() -> None:
    if sys.version_info < MINIMUM:
        fail(
            f"Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 ..."
        )
    venv, requirements = Path(sys.argv[1]), sys.argv[2]
    create(venv)
    print(f"installing {requirements} ...", flush=True)
    install = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*install, "--only-binary", ":all:", "-r", requirements]).returncode != 0:
        fail(f"installing {requirements} failed; the lines above say which package. Is the network there?")


if __name__ == "__main__":
    main()
