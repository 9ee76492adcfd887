"""What an operator sends from the desk page."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from trading.controls.services import REASON_MAX, REASON_MIN

# State, the word on the button, what it does at once.
ACTIONS: tuple[tuple[str, Any, Any], ...] = (
    ("PAUSED", _("Pause"), _("All quotes are cancelled and no new ones are placed. Inventory stays as it is.")),
    ("REDUCING", _("Reduce only"), _("Only orders that bring the inventory closer to its target are placed.")),
    ("HALTED", _("Kill"),
     _("Everything stops and every order is cancelled until the venue shows none. Starting again needs two people.")),
    ("ACTIVE", _("Resume"), _("Quoting starts again with the parameters already approved, if every check passes.")),
)  # fmt: skip


def new_key() -> str:
    """An idempotency key: sent twice, the command is done once."""
    return f"desk-{secrets.token_urlsafe(18)}"


class ReasonForm(forms.Form):
    """A reason and a key, which every command on trading states has."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=REASON_MIN,
        max_length=REASON_MAX,
        widget=forms.Textarea(attrs={"rows": 2, "class": "input"}),
        error_messages={
            "required": _("Say why: the reason is kept with the change and shown to everybody on the desk.")
        },
    )
    idempotency_key = forms.CharField(max_length=80, widget=forms.HiddenInput)


class ControlForm(ReasonForm):
    """A change of a trading state with its reason. Whether it is allowed is the service's to say."""

    state = forms.ChoiceField(label=_("Action"), choices=[(state, word) for state, word, _effect in ACTIONS])
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)
