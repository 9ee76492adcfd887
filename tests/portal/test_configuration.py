"""docs/configuration.md names every environment variable that the code reads, and the README every document."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = ("dcmm_portal/settings", "dcmm_portal/supervisor", "dcmm_portal/environment.py", "trading/sandbox")
READ = re.compile(
    r"""(?:env\.\w+|environ(?:\.get)?|given(?:\.get)?|getenv)[(\[]\s*"([A-Z][A-Z0-9_]+)"|"([A-Z][A-Z0-9_]+)"\s+(?:not\s+)?in\s+self\.given"""
    r"""|"((?:SANDBOX|PROMETHEUS|DCMM|DJANGO)_[A-Z_]+)["]"""
)


def _names() -> set[str]:
    found: set[str] = set()
    for reader in READERS:
        place = ROOT / reader
        for path in [place] if place.is_file() else place.rglob("*.py"):
            found |= {next(filter(None, groups)) for groups in READ.findall(path.read_text())}
    return found


def test_every_name_read_is_documented() -> None:
    names = _names()
    assert {"PORT", "TRUSTED_PROXIES", "METRICS_TOKEN", "WORKERS", "DATABASE_OWNER_URL", "SANDBOX_WEBHOOK_URL"} <= names
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/configuration.md").read_text()))
    assert names - documented == set()


@pytest.mark.parametrize(
    ("header", "proxies", "starts"),
    [
        ("", "0", True), ("CF-IPCountry", "1", True), ("X-Vercel-IP-Country", "2", True),
        # Of no proxy; of a name that every browser sends, or that could be two; with what ends a header.
        ("CF-IPCountry", "0", False), ("Accept-Language", "1", False), ("Cookie", "1", False), ("CF_IPCountry", "1", False),
        ("X-Country: IN", "1", False),
    ],
)  # fmt: skip
def test_a_header_of_the_country_is_named_with_its_proxies_or_nothing_starts(
    tmp_path: Path, header: str, proxies: str, starts: bool
) -> None:
    given = os.environ | {"COUNTRY_HEADER": header, "TRUSTED_PROXIES": proxies, "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", "import dcmm_portal.settings.rest"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True)
    assert (done.returncode == 0) is starts, done.stderr[-500:]


def test_the_readme_links_every_document() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"docs/{path.name}" not in readme] == []
