"""Reads what comes in from outside: strict, bounded, and with an error that names the field."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn

from trading.sandbox.server.errors import ApiError, bad_parameter, missing_parameter

MAX_BODY_BYTES = 64 * 1024
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?", re.ASCII)
_INTEGER = re.compile(r"[0-9]{1,18}", re.ASCII)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def json_document(raw: bytes | str) -> object:
    """Decode JSON; NaN, infinities, broken UTF-8, absurd nesting and absurd numbers are refused as `malformed_body`."""
    try:
        return json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError(400, "malformed_body", "the body is not valid JSON") from None


def json_object(raw: bytes | str) -> dict[str, object]:
    """Decode JSON that must be an object."""
    document = json_document(raw)
    if not isinstance(document, dict):
        raise ApiError(400, "malformed_body", "the body must be a JSON object")
    return document


def text(fields: Mapping[str, object], name: str, max_length: int = 64) -> str:
    """A required, non-empty string."""
    value = optional_text(fields, name, max_length)
    if value is None:
        raise missing_parameter(name)
    return value


def optional_text(fields: Mapping[str, object], name: str, max_length: int = 64) -> str | None:
    """A string, or None when it is absent, null or empty."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > max_length or not value.isprintable():
        raise bad_parameter(name, f"a printable string of at most {max_length} characters")
    return value


def money(fields: Mapping[str, object], name: str) -> Decimal:
    """A required positive decimal string."""
    value = optional_money(fields, name)
    if value is None:
        raise missing_parameter(name)
    return value


def optional_money(fields: Mapping[str, object], name: str) -> Decimal | None:
    """A positive decimal string without exponent (at most 15 + 18 digits), or None when absent."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value) or not (number := Decimal(value)):
        raise bad_parameter(name, "a positive decimal string without exponent")
    return number


def optional_signed(fields: Mapping[str, object], name: str) -> Decimal | None:
    """A decimal string without exponent, of either sign; None when it is null. It has to be there."""
    if name not in fields:
        raise missing_parameter(name)
    value = fields[name]
    if value is None:
        return None
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value.removeprefix("-")):
        raise bad_parameter(name, "a decimal string without exponent, or null")
    return Decimal(value)


def optional_integer(fields: Mapping[str, object], name: str, low: int, high: int) -> int | None:
    """An integer, or a string of digits, within bounds; None when absent."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise bad_parameter(name, f"an integer between {low} and {high}")
    return value


def integer(fields: Mapping[str, object], name: str, low: int, high: int, default: int) -> int:
    """As `optional_integer`, with a default."""
    value = optional_integer(fields, name, low, high)
    return default if value is None else value


def seconds(fields: Mapping[str, object], name: str, high: float) -> float:
    """A required JSON number (or decimal string) of seconds between 0 and `high`."""
    value = fields.get(name)
    if value is None:
        raise missing_parameter(name)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= high:
        raise bad_parameter(name, f"a number of seconds between 0 and {high:g}")
    return float(value)
