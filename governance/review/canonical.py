"""The one spelling of a value as JSON, and its hash: what votes are about must be the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any


def canonical(value: Any) -> str:
    """`value` as JSON: keys sorted, no space, ASCII only. Raises `ValueError` for NaN and infinity, `TypeError` for what JSON
    cannot hold and for keys that are not text. Decimals must already be text (`trading.events.services.plain_decimal`)."""
    _refuse_strange(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def content_hash(
    kind: str, subject: str, change: Mapping[str, Any], base: Mapping[str, Any], policy_version: int
) -> str:
    """What a vote on a proposal is about."""
    return digest(
        {
            "kind": kind,
            "subject": subject,
            "change": dict(change),
            "base": dict(base),
            "policy_version": policy_version,
        }
    )


def _refuse_strange(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a key of canonical JSON is text, not {type(key).__name__}")
            _refuse_strange(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_strange(item)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("canonical JSON holds finite numbers only")
    elif value is not None and not isinstance(value, (str, int)):
        raise TypeError(f"canonical JSON cannot hold a {type(value).__name__}")
