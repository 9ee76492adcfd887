"""Frozen dataclasses to plain JSON values and back, bit for bit.

Floats go through `repr` (JSON's own shortest form; not-finite ones as the strings nan, inf, -inf), `Decimal`
as `str`, enums by value. What a decision stored is what replay computes with.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Hashable
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


class CodecError(ValueError):
    """A stored value does not fit the type it is read as; the message names the field."""


def to_dict(value: Any) -> dict[str, Json]:
    """Plain JSON values of a frozen dataclass, nested ones included.

    Raises:
        CodecError: a field holds a type this codec does not know.
    """
    return {name: _encode(getattr(value, name), name) for name in _names(cast(Hashable, type(value)))}


def from_dict(cls: type[T], data: Any) -> T:
    """The value of type `cls` that `to_dict` wrote; unknown keys are refused, missing ones need a default.

    Raises:
        CodecError: naming the field that does not fit.
    """
    if not isinstance(data, dict):
        raise CodecError(f"{cls.__name__}: an object is expected")
    hints = _hints(cast(Hashable, cls))
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise CodecError(f"{cls.__name__}: unknown field {unknown[0]}")
    decoded = {name: _decode(hints[name], value, f"{cls.__name__}.{name}") for name, value in data.items()}
    try:
        return cls(**decoded)
    except TypeError as error:
        raise CodecError(f"{cls.__name__}: {error}") from error


@cache
def _names(cls: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cast(Any, cls)))


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    return get_type_hints(cls)


def _encode(value: Any, where: str) -> Json:
    if isinstance(value, float):
        # + 0.0 turns -0.0 into 0.0, which a numeric column would do anyway.
        return value + 0.0 if math.isfinite(value) else repr(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, tuple):
        return [_encode(item, where) for item in value]
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    raise CodecError(f"{where}: {type(value).__name__} can't be stored")


def _decode(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Union or origin is types.UnionType:
        options = [option for option in get_args(hint) if option is not type(None)]
        if value is None and len(options) < len(get_args(hint)):
            return None
        return _decode(options[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise CodecError(f"{where}: a list is expected")
        return tuple(_decode(get_args(hint)[0], item, where) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value)
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: Any, value: Any, where: str) -> Any:
    """A number, string, flag or enum; a float is taken for a float only, never for money."""
    try:
        if hint is bool or hint is str or hint is int:
            if type(value) is not hint:
                raise CodecError(f"{where}: {hint.__name__} is expected")
            return value
        if hint is float and not isinstance(value, bool):
            return float(value)
        if hint is Decimal and isinstance(value, str):
            return Decimal(value)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return hint(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise CodecError(f"{where}: {value!r} is no {getattr(hint, '__name__', hint)}") from error
    raise CodecError(f"{where}: {value!r} is no {getattr(hint, '__name__', hint)}")
