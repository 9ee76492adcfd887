"""The governed words of the registry's rows, by table: how each is written, and what a change of it does.

A row is named as `asset:dct`, `venue:dex`, `account:dex-desk` or `market:dct-usdt-dex`; every value is text. The database
compares the same words (governance/guards/limits_and_registry.sql).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _n

from trading.controls.commands import DESK
from trading.events.services import plain_decimal
from trading.models import KNOWN_GATES, Asset, Market, Venue, VenueAccount
from trading.venues.factory import ADAPTERS

AMOUNT_MAX: Final = Decimal(1_000_000_000_000)
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,13}(\.[0-9]{1,18})?", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,2}", re.ASCII)
_SYMBOL: Final = re.compile(r"[A-Za-z0-9/_:.-]{1,40}", re.ASCII)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9/_:+=.-]{0,80}", re.ASCII)
Words = dict[str, str]
# One word's value in its one spelling; None where it cannot be that.
Read = Callable[[str], str | None]


class InvalidRow(Exception):
    """A row was refused, with a code for programs. Nothing was changed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Word:
    """`default`: what a new row has where nothing is said (None: it must be said). `refers`: the table it names a row of.
    `is_label`: it is only shown."""

    label: str
    read: Read
    default: str | None = None
    refers: str = ""
    is_label: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`key`: the column that names a row; it never changes."""

    model: type[Asset | Venue | VenueAccount | Market]
    key: str
    key_max: int
    words: Mapping[str, Word]


def _matching(pattern: re.Pattern[str]) -> Read:
    return lambda raw: raw if pattern.fullmatch(raw) else None


def _text(longest: int, shortest: int) -> Read:
    def read(raw: str) -> str | None:
        is_text = raw.isprintable() and raw == raw.strip()
        return raw if is_text and shortest <= len(raw) <= longest else None

    return read


def _one_of(*values: str) -> Read:
    return lambda raw: raw if raw in values else None


def _whole(most: int) -> Read:
    return lambda raw: str(int(raw)) if _WHOLE.fullmatch(raw) and int(raw) <= most else None


def _amount(raw: str) -> str | None:
    if not _NUMBER.fullmatch(raw) or not 0 < Decimal(raw) <= AMOUNT_MAX:
        return None
    return plain_decimal(Decimal(raw))


def _gates(raw: str) -> str | None:
    """Known names, each once, in order."""
    names = raw.split(",") if raw else []
    return raw if set(names) <= set(KNOWN_GATES) and names == sorted(set(names)) else None


_slug: Final = _matching(_NAME)
_SHOWN: Final = {"name": Word(_n("name"), _text(80, 1), is_label=True)}
# In the order in which new rows are written: each refers to earlier ones only.
TABLES: Final[dict[str, Table]] = {
    "asset": Table(
        Asset,
        "pk",
        32,
        _SHOWN
        | {
            "decimals": Word(_n("decimals on chain"), _whole(36)),
            "chain_address": Word(_n("master address on chain"), _matching(_ADDRESS), ""),
        },
    ),
    "venue": Table(
        Venue,
        "slug",
        32,
        _SHOWN
        | {
            "kind": Word(_n("kind"), _one_of(*Venue.Kind.values)),
            "adapter": Word(_n("adapter"), _one_of(*ADAPTERS)),
        },
    ),
    "account": Table(VenueAccount, "slug", 48, {"venue": Word(_n("venue"), _slug, refers="venue")}),
    "market": Table(
        Market,
        "slug",
        48,
        {
            "account": Word(_n("venue account"), _slug, refers="account"),
            "base": Word(_n("base asset"), _slug, refers="asset"),
            "quote": Word(_n("quote asset"), _slug, refers="asset"),
            "venue_symbol": Word(_n("symbol on the venue"), _matching(_SYMBOL)),
            "lot_size": Word(_n("lot size (base)"), _amount),
            "instrument": Word(_n("instrument"), _one_of(*Market.Instrument.values), "spot"),
            "contract_value": Word(_n("base units per contract"), _amount, "1"),
            "is_active": Word(_n("active"), _one_of("true", "false")),
            "source_label": Word(_n("what the prices are"), _text(120, 0), "", is_label=True),
            "demanded_gates": Word(_n("gates it demands"), _gates, ""),
        },
    ),
}


def table_of(part: str) -> tuple[Table, str]:
    """The table and the key of a row's name. Raises `InvalidRow` ("unknown_row") for what can be no name."""
    word, _colon, key = part.partition(":")
    table = TABLES.get(word)
    if table is None or not _NAME.fullmatch(key) or len(key) > table.key_max:
        message = _(
            "“%(part)s” names no row: write asset:, venue:, account: or market: and a name of a-z, 0-9 and hyphens."
        )
        raise InvalidRow("unknown_row", message % {"part": part.replace("\x00", "")[:60]})
    if word == "market" and key == DESK:
        raise InvalidRow("invalid", _("No market is called “desk”: that is the name of all of them together."))
    return table, key


def row_of(part: str) -> Any:
    """The row of that name, or None. Raises `InvalidRow`."""
    table, key = table_of(part)
    return table.model.objects.filter(**{table.key: key}).first()


def words_of(row: Any) -> Words:
    """The governed words of a row."""
    if isinstance(row, Asset):
        return {"name": row.name, "decimals": str(row.decimals), "chain_address": row.chain_address}
    if isinstance(row, Venue):
        return {"name": row.name, "kind": row.kind, "adapter": row.adapter}
    if isinstance(row, VenueAccount):
        return {"venue": row.venue.slug}
    return {
        "account": row.account.slug,
        "base": row.base_id,
        "quote": row.quote_id,
        "venue_symbol": row.venue_symbol,
        "lot_size": plain_decimal(row.lot_size),
        "instrument": row.instrument,
        "contract_value": plain_decimal(row.contract_value),
        "is_active": "true" if row.is_active else "false",
        "source_label": row.source_label,
        "demanded_gates": row.demanded_gates,
    }


def read_words(part: str, said: Any, current: Words | None) -> Words:
    """What of `said` differs from the row as it is; of a new row (`current` None) every word. Raises `InvalidRow`."""
    table, _key = table_of(part)
    if not isinstance(said, Mapping) or not set(said) <= set(table.words):
        message = _("“%(part)s” has only: %(names)s.")
        raise InvalidRow("bad_change", message % {"part": part, "names": ", ".join(table.words)})
    wanted = {name: _read(part, name, table.words[name], raw) for name, raw in said.items()}
    if current is not None:
        return {name: wanted[name] for name in table.words if name in wanted and wanted[name] != current[name]}
    for name, word in table.words.items():
        if name not in wanted and word.default is None:
            message = _("“%(part)s” is new: say its %(name)s.")
            raise InvalidRow("invalid", message % {"part": part, "name": name})
    return {name: wanted.get(name, word.default or "") for name, word in table.words.items()}


def _read(part: str, name: str, word: Word, raw: Any) -> str:
    value = word.read(raw) if isinstance(raw, str) and "\x00" not in raw else None
    if value is None:
        message = _("“%(part)s”: this cannot be its %(name)s.")
        raise InvalidRow("invalid", message % {"part": part, "name": name})
    return value
