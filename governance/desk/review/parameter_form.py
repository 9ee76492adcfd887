"""The form of a proposal of parameters, made from the one schema: a field per parameter and market, with what is in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from governance.models import Proposal
from governance.review.values import market_named, values_in_force
from trading.events.services import plain_decimal
from trading.parameters.schema import SCHEMA, ParameterSpec
from trading.parameters.validation import ParameterError, parse_value, validate


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of one market; numbers as plain text. `error` is "" where the value may stand."""

    name: str
    spec: ParameterSpec
    current: str
    value: str
    minimum: str
    maximum: str
    error: str

    @property
    def is_changed(self) -> bool:
        return not _equal(self.value, self.current)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading."""

    word: str
    fields: tuple[Field, ...]

    @property
    def is_open(self) -> bool:
        return any(field.is_changed or field.error for field in self.fields)


@dataclass(frozen=True, slots=True)
class MarketForm:
    """Everything of one market."""

    slug: str
    groups: tuple[Group, ...]


def market_form(slug: str, sent: Mapping[str, str] | None) -> MarketForm:
    """What is in force, overlaid with what was `sent`. Raises `ReviewRefused` where there is no such market."""
    market_named(slug)
    current = values_in_force(slug)
    shown = {spec.name: plain_decimal(current[spec.name]) for spec in SCHEMA}
    values = shown | {
        name: sent[field_name(slug, name)].strip() for name in shown if sent and field_name(slug, name) in sent
    }
    errors = _errors(values, current) if sent else {}
    groups: dict[str, list[Field]] = {}
    for spec in SCHEMA:
        low, high = plain_decimal(spec.minimum), plain_decimal(spec.maximum)
        field = Field(
            field_name(slug, spec.name), spec, shown[spec.name], values[spec.name], low, high, errors.get(spec.name, "")
        )
        groups.setdefault(spec.group.value, []).append(field)
    return MarketForm(slug, tuple(Group(word, tuple(fields)) for word, fields in groups.items()))


def field_name(slug: str, parameter: str) -> str:
    """Of the input: two markets of one proposal have the same parameters."""
    return f"{slug}:{parameter}"


def change_of(forms: Iterable[MarketForm]) -> dict[str, Any]:
    """What differs from what is in force, as a door sends it; markets of which nothing differs are left out."""
    markets = {
        form.slug: {field.spec.name: field.value for group in form.groups for field in group.fields if field.is_changed}
        for form in forms
    }
    return {"markets": {slug: values for slug, values in markets.items() if values}}


def sent_by(proposal: Proposal) -> dict[str, str]:
    """The values of a proposal as its form would send them."""
    return {
        field_name(slug, name): str(value)
        for slug, values in proposal.change["markets"].items()
        for name, value in values.items()
    }


def error_text(error: ParameterError) -> str:
    """A refusal in the reader's language."""
    return _(error.template).format(**dict(error.data))


def _errors(values: Mapping[str, str], current: Mapping[str, Decimal]) -> dict[str, str]:
    wanted: dict[str, Decimal] = {}
    found: list[ParameterError] = []
    for spec in SCHEMA:
        parsed = parse_value(spec, values[spec.name])
        if isinstance(parsed, ParameterError):
            found.append(parsed)
        else:
            wanted[spec.name] = Decimal(str(parsed))
    found = found or list(validate({**current, **wanted}))
    return {error.parameter: error_text(error) for error in found}


def _equal(one: str, other: str) -> bool:
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False
