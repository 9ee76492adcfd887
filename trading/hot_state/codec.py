"""Hot values to JSON and back, typed: what does not fit the declared type is refused, never guessed."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_encoder = msgspec.json.Encoder(decimal_format="string")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class HotStateCorrupt(Exception):
    """A key of the hot state holds something that its type does not allow. The caller must treat it as absent: closed."""


def encode(value: Any) -> bytes:
    """JSON of a hot value; `Decimal` as a string."""
    return _encoder.encode(value)


def decode(body: bytes, kind: type[T]) -> T:
    """The value of type `kind` in `body`. Raises `HotStateCorrupt`."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(body)
    except (ValueError, RecursionError) as problem:
        # Not JSON, not this type, not UTF-8, nested too deep.
        raise HotStateCorrupt(f"{kind.__name__}: {problem}") from problem
