"""Reads fields of venue messages: strictly, naming the field that is wrong, never quoting the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from trading.venues.interface import Level, UnexpectedAnswer

MAX_DIGITS = 40
ONE = Decimal(1)


def wrong(name: str, wanted: str) -> UnexpectedAnswer:
    """An answer this adapter does not know."""
    return UnexpectedAnswer(f"the venue's answer has no usable field {name!r} ({wanted} expected)")


def mapping(value: object, name: str) -> Mapping[str, object]:
    """An object."""
    if not isinstance(value, dict):
        raise wrong(name, "an object")
    return value


def sequence(value: object, name: str) -> Sequence[object]:
    """A list."""
    if not isinstance(value, list):
        raise wrong(name, "a list")
    return value


def rows(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """A list of objects."""
    return [mapping(value, f"{name}[]") for value in sequence(fields.get(name), name)]


def text(fields: Mapping[str, object], name: str) -> str:
    """A non-empty string."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise wrong(name, "a string")
    return value


def optional_text(fields: Mapping[str, object], name: str) -> str:
    """A string, or "" when it is absent or null."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong(name, "a string")
    return value


def decimal_of(value: object, name: str) -> Decimal:
    """A finite decimal number in a string."""
    if not isinstance(value, str) or not value or len(value) > MAX_DIGITS:
        raise wrong(name, "a decimal string")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise wrong(name, "a decimal string") from None
    if not number.is_finite():
        raise wrong(name, "a finite number")
    return number


def decimal(fields: Mapping[str, object], name: str) -> Decimal:
    """The decimal string of that name."""
    return decimal_of(fields.get(name), name)


def optional_decimal(fields: Mapping[str, object], name: str) -> Decimal | None:
    """The decimal string of that name, or None when it is absent, null or empty."""
    value = fields.get(name)
    return None if value is None or value == "" else decimal_of(value, name)


def integer(fields: Mapping[str, object], name: str) -> int:
    """An integer, written as a number or in a string."""
    value = fields.get(name)
    if isinstance(value, str) and value.isascii() and value.lstrip("-").isdigit() and len(value) <= 20:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(name, "an integer")
    return value


def ns_of_ms(fields: Mapping[str, object], name: str) -> int:
    """A time in ms as ns since the epoch."""
    return integer(fields, name) * 1_000_000


def levels(fields: Mapping[str, object], name: str, contract_value: Decimal = ONE) -> tuple[Level, ...]:
    """Price levels: lists that begin with price and size; sizes, which are contracts of `contract_value`, in base units."""
    found = []
    for row in sequence(fields.get(name), name):
        pair = sequence(row, f"{name}[]")
        if len(pair) < 2:
            raise wrong(f"{name}[]", "price and size")
        size = decimal_of(pair[1], f"{name}[].size")
        found.append(
            Level(decimal_of(pair[0], f"{name}[].price"), size if contract_value == ONE else size * contract_value)
        )
    return tuple(found)
