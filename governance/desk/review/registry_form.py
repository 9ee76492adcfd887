"""The form of the registry: a market switched on or off, a label, or any other word of a row that is there. One at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.desk.review.fields import Choice, FieldSpec, Input, Sent
from governance.models import User
from governance.review.errors import ReviewRefused
from trading.models import KNOWN_GATES, Asset, Market, Venue, VenueAccount
from trading.registry.rows import TABLES, Words, words_of

SWITCH: Final = "is_active"
VALUE_MAX: Final = 120


def registry_fields(person: User) -> tuple[FieldSpec, ...]:
    """What is to change, with what is in force, and what it shall be."""
    rows = _rows()
    return (
        FieldSpec("what", _("What to change"), Input.SELECT, choices=(*_switches(rows), *_words(rows))),
        FieldSpec(
            "value", _("New value"), Input.TEXT,
            _(
                "Left empty where a market is switched. A label, an address on chain and the gates of a market may be made "
                "empty. Gates are known by name: %(gates)s."
            ) % {"gates": ", ".join(KNOWN_GATES)},
            longest=VALUE_MAX, is_optional=True,
        ),
    )  # fmt: skip


def registry_change(sent: Sent) -> dict[str, Any]:
    """Of one row one word. Raises `ReviewRefused` where a value is given and none is asked for."""
    what, value = sent["what"][0], next(iter(sent["value"]), "")
    named, _equals, switched = what.partition("=")
    if switched and value:
        raise ReviewRefused("invalid", _("A market is switched without a new value: leave that field empty."))
    part, _dot, name = named.partition(".")
    return {"registry": {part: {name: switched or value}}}


def registry_sent(change: Mapping[str, Any]) -> Sent:
    """As `registry_change` reads it. Raises `ReviewRefused` for what the form cannot say: new rows, several words."""
    said = [(part, name, text) for part, words in change["registry"].items() for name, text in words.items()]
    if len(said) != 1 or "parameters" in change:
        raise ReviewRefused("no_form", _("The form changes one word of a row that is there."))
    part, name, text = said[0]
    if name == SWITCH:
        return {"what": (f"{part}.{name}={text}",), "value": ("",)}
    return {"what": (f"{part}.{name}",), "value": (text,)}


def _rows() -> dict[str, Words]:
    """Every row's words by its name."""
    found: dict[str, Words] = {}
    markets = Market.objects.select_related("account").order_by("slug")
    accounts = VenueAccount.objects.select_related("venue").order_by("slug")
    found |= {f"market:{row.slug}": words_of(row) for row in markets}
    found |= {f"account:{row.slug}": words_of(row) for row in accounts}
    found |= {f"venue:{row.slug}": words_of(row) for row in Venue.objects.order_by("slug")}
    return found | {f"asset:{row.pk}": words_of(row) for row in Asset.objects.order_by("pk")}


def _switches(rows: Mapping[str, Words]) -> Iterator[Choice]:
    group = _("Switch a market on or off")
    for part, words in rows.items():
        if SWITCH in words:
            slug, is_on = part.partition(":")[2], words[SWITCH] == "true"
            text = _("switch %(market)s off (now on)") if is_on else _("switch %(market)s on (now off)")
            to = "false" if is_on else "true"
            yield Choice(f"{part}.{SWITCH}={to}", text % {"market": slug}, group=group)


def _words(rows: Mapping[str, Words]) -> Iterator[Choice]:
    """Labels first: they alone are small."""
    groups = {True: _("Change a label"), False: _("Change any other word of a row")}
    for is_label, group in groups.items():
        for part, words in rows.items():
            for name, word in TABLES[part.partition(":")[0]].words.items():
                if name != SWITCH and word.is_label is is_label:
                    now = words[name] or "—"
                    label = _("%(row)s: %(word)s (now: %(value)s)")
                    told = label % {"row": part, "word": _(word.label), "value": now}
                    yield Choice(f"{part}.{name}", told, group=group)
