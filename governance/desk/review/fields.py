"""Fields of the forms of proposals: declared once, filled, and judged before anything is asked of a service.

A field sends texts: one, or several where it is a list of choices. What they mean is the form's to say (`kind_forms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from django.utils.translation import gettext as _

# Of an input: longer numbers are none.
NUMBER_MAX = 40
# What a form sends besides its fields.
RESERVED: Final = frozenset({"action", "reason", "idempotency_key", "csrfmiddlewaretoken"})
Sent = Mapping[str, tuple[str, ...]]


class Input(StrEnum):
    """How a field is asked for. `RADIO` explains each choice, `SELECT` is for many, `CHECKS` for several at once, `AREA` for
    text of several lines."""

    SELECT = "select"
    RADIO = "radio"
    CHECKS = "checks"
    TEXT = "text"
    AREA = "area"
    WHOLE = "whole"
    DECIMAL = "decimal"


@dataclass(frozen=True, slots=True)
class Choice:
    """`label` in the reader's language, or a name; `help` says what it does. `group`: the heading in a list of many."""

    value: str
    label: str
    help: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field; `name` is none of those that every form has (`RESERVED`). `label` and `help` in the reader's language; `unit` as
    shown ("s" is also told in words).

    `current`: what is in force, as the field would send it; None where there is nothing to compare with. `initial`: what the form
    begins with. `minimum` and `maximum` of a number, included; `or_word` may stand in its place. `group` is the heading under
    which it stands.
    """

    name: str
    label: str
    input: Input
    help: str = ""
    unit: str = ""
    choices: tuple[Choice, ...] = ()
    current: tuple[str, ...] | None = None
    initial: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    or_word: str = ""
    longest: int = NUMBER_MAX
    is_optional: bool = False
    group: str = ""

    @property
    def labels_now(self) -> str:
        """What is in force, as its choices call it."""
        names = {choice.value: choice.label for choice in self.choices}
        return ", ".join(names.get(value, value) for value in self.current or ())


@dataclass(frozen=True, slots=True)
class Option:
    """A choice as shown."""

    choice: Choice
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field with what was typed, or what it begins with. `error` is "" where that may stand."""

    spec: FieldSpec
    values: tuple[str, ...]
    error: str

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def is_changed(self) -> bool:
        return self.spec.current is not None and not _is_same(self.spec, self.values)

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(Option(choice, choice.value in self.values) for choice in self.spec.choices)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading; "" stands above all."""

    word: str
    fields: tuple[Field, ...]

    @property
    def is_open(self) -> bool:
        return any(field.is_changed or field.error for field in self.fields)


def filled(specs: tuple[FieldSpec, ...], sent: Sent | None, *, is_judged: bool) -> tuple[Group, ...]:
    """The form with what was `sent` over what it begins with, in groups."""
    groups: dict[str, list[Field]] = {}
    for spec in specs:
        values = spec.initial if sent is None else tuple(value.strip() for value in sent.get(spec.name, ()))
        error = error_of(spec, values) if is_judged else ""
        groups.setdefault(spec.group, []).append(Field(spec, values, error))
    return tuple(Group(word, tuple(fields)) for word, fields in groups.items())


def error_of(spec: FieldSpec, values: tuple[str, ...]) -> str:
    """Why the values cannot stand, in the reader's language; "" where they can."""
    if spec.input in (Input.SELECT, Input.RADIO, Input.CHECKS):
        known = {choice.value for choice in spec.choices}
        is_counted = spec.is_optional or values if spec.input is Input.CHECKS else len(values) == 1
        return "" if is_counted and set(values) <= known else _("Choose from the list.")
    text = values[0] if len(values) == 1 else ""
    if spec.input in (Input.TEXT, Input.AREA):
        message = _("At most %(most)s characters.") if spec.is_optional else _("Write 1 to %(most)s characters.")
        is_long_enough = bool(text) or (spec.is_optional and len(values) <= 1)
        return (
            ""
            if is_long_enough and len(text) <= spec.longest and "\x00" not in text
            else message % {"most": spec.longest}
        )
    if text and text == spec.or_word:
        return ""
    return _number_error(spec, text)


def _number_error(spec: FieldSpec, text: str) -> str:
    number = number_of(text)
    bounds = {"low": spec.minimum, "high": spec.maximum}
    if number is None or (spec.input is Input.WHOLE and not text.isdecimal()):
        return _("Write a number, as %(low)s.") % bounds
    if not Decimal(spec.minimum or number) <= number <= Decimal(spec.maximum or number):
        return _("From %(low)s to %(high)s.") % bounds
    return ""


def number_of(text: str) -> Decimal | None:
    """Plain decimal text as a number; None for everything else."""
    try:
        number = Decimal(text) if text.isascii() and 0 < len(text) <= NUMBER_MAX and "_" not in text else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _is_same(spec: FieldSpec, values: tuple[str, ...]) -> bool:
    current = spec.current or ()
    if spec.input in (Input.WHOLE, Input.DECIMAL) and len(values) == len(current) == 1:
        return number_of(values[0]) == number_of(current[0])
    return sorted(values) == sorted(current)
