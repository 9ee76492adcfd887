"""The rules of Mozilla's HTTP Observatory (docs/scoring.md of mozilla/http-observatory) that a server's own answers decide.

Written from the published table: a baseline of 100, what is taken away, and the bonuses, which count from 90 on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SIX_MONTHS_S = 15_768_000
UNSAFE = ("'unsafe-inline'", "'unsafe-eval'", "data:", "http:", "https:", "*")


@dataclass
class Score:
    """`rules` names what was found, with its points."""

    rules: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        bare = 100 + sum(points for points in self.rules.values() if points < 0)
        return max(0, bare + sum(points for points in self.rules.values() if points > 0) if bare >= 90 else bare)


def score(headers: Mapping[str, str], cookies: list[str], body: str) -> Score:
    found = Score()
    found.rules |= _policy(headers.get("Content-Security-Policy", ""))
    found.rules |= _cookies(cookies)
    if headers.get("Access-Control-Allow-Origin") == "*":
        found.rules["cross-origin-resource-sharing-implemented-with-universal-access"] = -50
    found.rules |= _transport(headers.get("Strict-Transport-Security", ""))
    found.rules |= _referrer(headers.get("Referrer-Policy", ""))
    if headers.get("X-Content-Type-Options", "").lower() != "nosniff":
        found.rules["x-content-type-options-not-implemented"] = -5
    if headers.get("Cross-Origin-Resource-Policy", "") in ("same-origin", "same-site"):
        found.rules["corp-implemented-with-same-origin"] = 10
    if re.search(r"""<script[^>]+src=["'](?:https?:)?//""", body):
        found.rules["sri-not-implemented-but-external-scripts-loaded"] = -5
    return found


def _directives(policy: str) -> dict[str, list[str]]:
    parts = (part.split() for part in policy.split(";") if part.strip())
    return {name: sources for name, *sources in parts}


def _policy(policy: str) -> dict[str, int]:
    if not policy:
        return {"csp-not-implemented": -25, "x-frame-options-not-implemented": -20}
    directives = _directives(policy)
    default = directives.get("default-src", ["*"])
    scripts, styles = directives.get("script-src", default), directives.get("style-src", default)
    rules: dict[str, int] = {}
    if directives.get("frame-ancestors") in (["'none'"], ["'self'"]):
        rules["x-frame-options-implemented-via-csp"] = 5
    if "'unsafe-inline'" in scripts or any(source in scripts for source in ("data:", "https:", "http:", "*")):
        return rules | {"csp-implemented-with-unsafe-inline": -20}
    if "'unsafe-eval'" in scripts:
        return rules | {"csp-implemented-with-unsafe-eval": -10}
    if any(source in styles for source in UNSAFE):
        return rules | {"csp-implemented-with-unsafe-inline-in-style-src-only": 0}
    is_strict = default == ["'none'"]
    return rules | ({"csp-implemented-with-no-unsafe-default-src-none": 10} if is_strict else {"csp-implemented": 5})


def _cookies(cookies: list[str]) -> dict[str, int]:
    rules: dict[str, int] = {}
    for cookie in cookies:
        name, parts = cookie.split("=", 1)[0].strip(), {part.strip().lower() for part in cookie.split(";")[1:]}
        is_session = any(word in name.lower() for word in ("sess", "login", "auth", "csrf"))
        if "secure" not in parts:
            rules["cookies-session-without-secure-flag" if is_session else "cookies-without-secure-flag"] = (
                -40 if is_session else -20
            )
        if "sess" in name.lower() and "httponly" not in parts:
            rules["cookies-session-without-httponly-flag"] = -30
        if "csrf" in name.lower() and not any(part.startswith("samesite") for part in parts):
            rules["cookies-anticsrf-without-samesite-flag"] = -20
    if cookies and not rules and all("samesite" in cookie.lower() for cookie in cookies):
        rules["cookies-secure-with-httponly-sessions-and-samesite"] = 5
    return rules


def _transport(value: str) -> dict[str, int]:
    age = re.search(r"max-age=(\d+)", value)
    if age is None:
        return {"hsts-not-implemented": -20}
    return {} if int(age.group(1)) >= SIX_MONTHS_S else {"hsts-implemented-max-age-less-than-six-months": -10}


def _referrer(value: str) -> dict[str, int]:
    private = ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")
    if not value:
        return {"referrer-policy-not-implemented": 0}
    return {"referrer-policy-private": 5} if value in private else {"referrer-policy-unsafe": -5}
