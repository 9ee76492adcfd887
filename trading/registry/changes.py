"""Changing the registry: what the whole of a change must fulfil, and writing it. The only writer beside the first declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from trading.controls.beginning import begin_halted
from trading.events.services import record
from trading.locks import lock_registry
from trading.models import CashMovement, Fill, Market, Order, Venue, VenueAccount
from trading.parameters.announcing import announce
from trading.parameters.services import apply_version
from trading.registry.rows import TABLES, InvalidRow, Words, row_of, table_of, words_of

# Words of a market that may change after it was traded.
_LOOSE: Final = frozenset({"is_active", "source_label", "demanded_gates"})
_COLUMNS: Final = {"base": "base_id", "quote": "quote_id"}


@dataclass(frozen=True, slots=True)
class RegistryAuthor:
    """What allowed a change, and who proposed it."""

    authorised_by: str
    actor_id: str
    actor_name: str
    reason: str


def in_order(parts: Iterable[str]) -> list[str]:
    """Names in the order in which rows are written: what is referred to first."""
    tables = list(TABLES)
    return sorted(parts, key=lambda part: (tables.index(part.partition(":")[0]), part))


def referred(part: str, words: Mapping[str, str]) -> list[str]:
    """Names of the rows that these words refer to."""
    table, _key = table_of(part)
    return [f"{word.refers}:{words[name]}" for name, word in table.words.items() if word.refers and name in words]


def refuse_unsound(rows: Mapping[str, Words]) -> None:
    """What no row by itself shows: references, pairs, symbols taken, and what was traded already. `rows`: what changes, by name.

    Raises `InvalidRow`."""
    symbols: dict[tuple[str, str], str] = {}
    for part, words in rows.items():
        for other in referred(part, words):
            if other not in rows and row_of(other) is None:
                raise InvalidRow(
                    "invalid", _("“%(part)s” names %(other)s, which there is not.") % {"part": part, "other": other}
                )
        row = row_of(part)
        if part.startswith("market:"):
            whole = words if row is None else words_of(row) | words
            _refuse_market(part, whole)
            if symbols.setdefault((whole["account"], whole["venue_symbol"]), part) != part:
                raise InvalidRow("invalid", _("“%(part)s”: that account trades this symbol already.") % {"part": part})
        if row is not None and not set(words) <= _LOOSE and _was_traded(row):
            message = _("“%(part)s” was traded: its account, symbol, assets, instrument and units stay as they are.")
            raise InvalidRow("was_traded", message % {"part": part})


def _refuse_market(part: str, words: Words) -> None:
    if words["base"] == words["quote"]:
        raise InvalidRow("invalid", _("“%(part)s”: an asset is not traded against itself.") % {"part": part})
    if words["instrument"] == Market.Instrument.SPOT and words["contract_value"] != "1":
        raise InvalidRow("invalid", _("“%(part)s”: of a spot market one unit is one base unit.") % {"part": part})
    taken = Market.objects.filter(account__slug=words["account"], venue_symbol=words["venue_symbol"])
    if taken.exclude(slug=part.partition(":")[2]).exists():
        raise InvalidRow("invalid", _("“%(part)s”: that account trades this symbol already.") % {"part": part})


def _was_traded(row: Any) -> bool:
    """An order, a fill or a payment belongs to the market, or to a market of the account."""
    if isinstance(row, Market):
        markets = [row.pk]
    elif isinstance(row, VenueAccount):
        markets = list(row.markets.values_list("pk", flat=True))
        if CashMovement.objects.filter(account=row).exists():
            return True
    else:
        return False
    return any(model.objects.filter(market_id__in=markets).exists() for model in (Order, Fill, CashMovement))


def apply_registry(
    rows: Mapping[str, Words], parameters: Mapping[str, Words], author: RegistryAuthor, now: datetime
) -> None:
    """Write the rows, each as its next version, and the first parameters and a halted control of every new market: all in one
    transaction, with an event each. Raises `InvalidRow`, `InvalidParameters`."""
    with transaction.atomic():
        lock_registry(rows)
        refuse_unsound(rows)
        for part in in_order(rows):
            is_new = _write(part, rows[part], author, now)
            if is_new and part.startswith("market:"):
                _begin(part.partition(":")[2], parameters, author, now)


def _write(part: str, words: Words, author: RegistryAuthor, now: datetime) -> bool:
    """Whether the row is new."""
    table, key = table_of(part)
    row = row_of(part)
    is_new, before = row is None, {} if row is None else words_of(row)
    if row is None:
        row = table.model(**{table.key: key}, version=0)
    for name, text in words.items():
        setattr(row, _COLUMNS.get(name, name), _value(name, text))
    row.version, row.authorised_by = row.version + 1, author.authorised_by
    row.save(force_insert=is_new)
    record(
        f"registry:{part}",
        "registry.applied",
        {"row": part, "version": row.version, "reason": author.reason, "authorised_by": author.authorised_by,
         "changed": {name: {"from": before.get(name), "to": text} for name, text in words.items()}},
        actor_id=author.actor_id,
        actor_name=author.actor_name,
        occurred_at=now,
    )  # fmt: skip
    announce(part, row.version, "")
    return is_new


def _value(name: str, text: str) -> Any:
    if name == "venue":
        return Venue.objects.get(slug=text)
    if name == "account":
        return VenueAccount.objects.get(slug=text)
    return text == "true" if name == "is_active" else text


def _begin(slug: str, parameters: Mapping[str, Words], author: RegistryAuthor, now: datetime) -> None:
    """A new market has a version of parameters, and lets nothing through until two people resume it."""
    begin_halted(slug, actor_id=author.actor_id, actor_name=author.actor_name, now=now)
    apply_version(
        Market.objects.get(slug=slug),
        parameters[slug],
        authorised_by=author.authorised_by,
        actor_id=author.actor_id,
        actor_name=author.actor_name,
        reason=author.reason,
        now=now,
    )
