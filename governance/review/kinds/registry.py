"""The registry: which assets, venues, accounts and markets there are. All rows of one proposal change, or none does.

Change: {"registry": {name of a row: {word: value as text}}, "parameters": {slug: {parameter: value}}}: of a row that is there
only what differs, of a new one every word; "parameters" holds the complete first set of every new market and is left out
without one. Base: {name: {"version": n, "hash": hash of its words, "values": those that change}}, also of rows that are only
referred to; version 0 is a row that is new. Subject: registry:<name>[,<name>...], in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _

from governance.access.roles import Role
from governance.models import Proposal
from governance.review.canonical import digest
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Applying, Base, Change, DiffRow
from governance.review.policy import Policy
from governance.review.risk import RiskAssessment, assess_registry, demands_no_less
from trading.events.services import plain_decimal
from trading.locks import lock_registry
from trading.models import Market
from trading.parameters.schema import SCHEMA
from trading.parameters.services import InvalidParameters
from trading.parameters.validation import validate
from trading.registry.changes import RegistryAuthor, apply_registry, in_order, referred, refuse_unsound
from trading.registry.rows import TABLES, InvalidRow, Words, read_words, row_of, table_of, words_of

MOST_ROWS: Final = 20
LABELS: Final = {
    table: {name for name, word in found.words.items() if word.is_label} for table, found in TABLES.items()
}


class Registry:
    name = "registry"
    proposer_roles = (Role.OPERATOR,)

    def canonical(self, change: Any) -> dict[str, Any]:
        if not isinstance(change, Mapping) or not {"registry"} <= set(change) <= {"registry", "parameters"}:
            raise _bad()
        rows, parameters = change["registry"], change.get("parameters", {})
        if not isinstance(rows, Mapping) or not 1 <= len(rows) <= MOST_ROWS or not isinstance(parameters, Mapping):
            raise _bad()
        if not all(isinstance(part, str) for part in rows):
            raise _bad()
        try:
            canonical = {part: _canonical_row(part, said) for part, said in sorted(rows.items())}
            refuse_unsound(canonical)
        except InvalidRow as problem:
            raise ReviewRefused(problem.code, str(problem)) from problem
        first = _first_parameters(canonical, parameters)
        return {"registry": canonical} | ({"parameters": first} if first else {})

    def subject(self, change: Change) -> str:
        return f"registry:{','.join(sorted(change['registry']))}"[:200]

    def title(self, change: Change) -> str:
        parts = [f"{part}: {', '.join(words)}" for part, words in sorted(change["registry"].items())]
        return "; ".join(parts)[:200]

    def base(self, change: Change) -> Base:
        rows = change["registry"]
        return {part: _standing(part, rows.get(part, {})) for part in sorted(_concerned(rows))}

    def rule(self, change: Change) -> str:
        # By the class of the change, as parameters are.
        return "parameters"

    def risk(self, change: Change, policy: Policy, now: datetime) -> RiskAssessment:
        rows = {part: row_of(part) for part in change["registry"]}
        return assess_registry(change, {part: words_of(row) for part, row in rows.items() if row is not None}, LABELS)

    def diff(self, change: Change, base: Mapping[str, Any]) -> list[DiffRow]:
        rows: list[DiffRow] = []
        for part in in_order(change["registry"]):
            table, _key = table_of(part)
            before = base[part].get("values", {})
            rows += [
                DiffRow(
                    part, name, table.words[name].label, "", before.get(name, ""), text, _code(part, name, text, before)
                )
                for name, text in change["registry"][part].items()
            ]
        for slug, values in change.get("parameters", {}).items():
            rows += [
                DiffRow(slug, spec.name, spec.label, spec.unit, "", values[spec.name], "riskier") for spec in SCHEMA
            ]
        return rows

    def markets(self, change: Change) -> tuple[str, ...]:
        """Those named, and those that stand under an account, a venue or an asset that is named."""
        keys: dict[str, list[str]] = {table: [] for table in TABLES}
        for part in change["registry"]:
            table, _colon, key = part.partition(":")
            keys[table].append(key)
        found = Market.objects.filter(
            Q(slug__in=keys["market"])
            | Q(account__slug__in=keys["account"])
            | Q(account__venue__slug__in=keys["venue"])
            | Q(base__in=keys["asset"])
            | Q(quote__in=keys["asset"])
        )
        return tuple(found.order_by("slug").values_list("slug", flat=True))

    def barred(self, change: Change) -> frozenset[str]:
        return frozenset()

    def lock(self, proposal: Proposal) -> None:
        lock_registry(_concerned(proposal.change["registry"]))

    def ready(self, change: Change, now: datetime) -> None:
        return

    def apply(self, applying: Applying) -> None:
        proposal, change = applying.proposal, applying.proposal.change
        author = RegistryAuthor(
            applying.authorised_by, str(proposal.proposer_id), proposal.proposer_name, proposal.reason
        )
        try:
            apply_registry(change["registry"], change.get("parameters", {}), author, applying.now)
        except InvalidRow as problem:
            raise ReviewRefused(problem.code, str(problem)) from problem
        except InvalidParameters as problem:
            raise ReviewRefused("invalid", str(problem)) from problem


def _canonical_row(part: str, said: Any) -> Words:
    row = row_of(part)
    words = read_words(part, said, None if row is None else words_of(row))
    if not words:
        raise ReviewRefused("no_change", _("Nothing of “%(market)s” would change.") % {"market": part})
    return words


def _first_parameters(rows: Mapping[str, Words], said: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The complete first set of every new market, in the schema's order. Raises `ReviewRefused`."""
    new = {part.partition(":")[2] for part in rows if part.startswith("market:") and row_of(part) is None}
    if set(said) != new:
        raise ReviewRefused("bad_change", _("Give the first parameters of every new market, and of no other."))
    first = {}
    for slug, values in sorted(said.items()):
        if not isinstance(values, Mapping) or not all(isinstance(value, str) for value in values.values()):
            raise ReviewRefused("bad_change", _("“%(market)s”: parameters are written as text.") % {"market": slug})
        if errors := validate(values):
            raise ReviewRefused("invalid", "; ".join(f"{slug}: {error.message}" for error in errors))
        first[slug] = {spec.name: plain_decimal(Decimal(values[spec.name])) for spec in SCHEMA}
    return first


def _concerned(rows: Mapping[str, Words]) -> set[str]:
    """The rows and whatever they refer to, an account's venue too."""
    found, fresh = set(rows), set(rows)
    while fresh:
        fresh = {other for part in fresh for other in referred(part, _as_it_would_be(part, rows))} - found
        found |= fresh
    return found


def _as_it_would_be(part: str, rows: Mapping[str, Words]) -> Words:
    row = row_of(part)
    return ({} if row is None else words_of(row)) | rows.get(part, {})


def _standing(part: str, words: Mapping[str, str]) -> dict[str, Any]:
    row = row_of(part)
    if row is None:
        return {"version": 0, "hash": "", "values": {}}
    found = words_of(row)
    return {"version": row.version, "hash": digest(found), "values": {name: found[name] for name in words}}


def _code(part: str, name: str, text: str, before: Mapping[str, str]) -> str:
    if name in LABELS[part.partition(":")[0]]:
        return "either"
    if name == "demanded_gates":
        return "safer" if demands_no_less(text, before.get(name, "")) else "riskier"
    return "safer" if (name, text) == ("is_active", "false") else "riskier"


def _bad() -> ReviewRefused:
    return ReviewRefused("bad_change", _("Say which rows of the registry change, and their words."))
