"""What compliance sends when it writes a document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from disclosures.documents.content import NAME_MAX, TEXT_MAX, TITLE_MAX
from disclosures.documents.times import moment
from governance.desk.forms import ReasonForm
from trading.selectors import every_slug

_UTC = {"class": "input", "type": "datetime-local", "dir": "ltr"}


def _line(label: Any, longest: int, language: str = "", needed: bool = False) -> forms.CharField:
    attributes = {"class": "input"} | (
        {"lang": language, "dir": "rtl" if language == "dv" else "ltr"} if language else {}
    )
    return forms.CharField(label=label, max_length=longest, required=needed, widget=forms.TextInput(attrs=attributes))


def _text(label: Any, language: str) -> forms.CharField:
    direction = "rtl" if language == "dv" else "ltr"
    attributes = {"class": "input source", "lang": language, "dir": direction, "rows": 24, "spellcheck": "true"}
    return forms.CharField(label=label, max_length=TEXT_MAX, required=False, widget=forms.Textarea(attrs=attributes))


class DraftForm(forms.Form):
    """Both languages side by side, dates in UTC. Whether it may be published is the service's to say."""

    title_en = _line(_("Title, English"), TITLE_MAX, "en")
    title_dv = _line(_("Title, Dhivehi"), TITLE_MAX, "dv")
    text_en = _text(_("Text, English (Markdown)"), "en")
    text_dv = _text(_("Text, Dhivehi (Markdown)"), "dv")
    counsel = _line(_("Looked at by counsel (name, day); empty where nobody has"), NAME_MAX)
    native_reviewer = _line(_("Dhivehi reviewed by a native speaker (name, day); empty where nobody has"), NAME_MAX)
    says_the_same = forms.BooleanField(label=_("Both languages say the same, as they stand here"), required=False)
    requires_acknowledgement = forms.BooleanField(label=_("Investors must read and accept it"), required=False)
    is_material = forms.BooleanField(label=_("A change of weight: who accepted before is asked again"), required=False)
    effective_from = forms.DateTimeField(
        label=_("Publish at (UTC); empty: once approved"), required=False, widget=forms.DateTimeInput(attrs=_UTC)
    )
    effective_until = forms.DateTimeField(
        label=_("Holds until (UTC); empty: until superseded"), required=False, widget=forms.DateTimeInput(attrs=_UTC)
    )
    review_due_on = forms.DateField(
        label=_("To be reviewed again by"),
        widget=forms.DateInput(attrs={"class": "input", "type": "date", "dir": "ltr"}),
    )
    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    idempotency_key = forms.CharField(max_length=60, widget=forms.HiddenInput)

    def told(self) -> dict[str, Any]:
        """Titles and texts as the service takes them."""
        data = self.cleaned_data
        return {
            "title": {"en": data["title_en"], "dv": data["title_dv"]},
            "text": {"en": data["text_en"], "dv": data["text_dv"]},
        }

    def written(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        data = self.cleaned_data
        plain = ("counsel", "native_reviewer", "requires_acknowledgement", "is_material")
        return {
            **{name: data[name] for name in plain if name in data},
            **self.told(),
            "effective_from": _utc(data["effective_from"]),
            "effective_until": _utc(data.get("effective_until")),
            "review_due_on": data["review_due_on"].isoformat(),
        }


class ReportForm(DraftForm):
    """The report of an incident: when and where, beside its text. It holds until a newer version, and nobody accepts it."""

    effective_until = None
    requires_acknowledgement = None
    incident_starts_at = forms.DateTimeField(label=_("Began (UTC)"), widget=forms.DateTimeInput(attrs=_UTC))
    incident_ends_at = forms.DateTimeField(
        label=_("Ended (UTC); empty: it goes on"), required=False, widget=forms.DateTimeInput(attrs=_UTC)
    )
    incident_markets = forms.MultipleChoiceField(
        label=_("Markets it touched; none: the whole desk"),
        required=False,
        widget=forms.SelectMultiple(attrs={"class": "input", "dir": "ltr"}),
    )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        field: Any = self.fields["incident_markets"]
        field.choices = [(slug, slug) for slug in every_slug()]

    def told(self) -> dict[str, Any]:
        """What was told, as the service takes it of an operator."""
        data = self.cleaned_data
        incident = {
            "starts_at": _utc(data["incident_starts_at"]),
            "ends_at": _utc(data["incident_ends_at"]),
            "markets": data["incident_markets"],
        }
        return super().told() | {"incident": incident}


class OperatorReportForm(ReportForm):
    """What an operator tells of an incident; the rest of the draft is compliance's to write, and is kept."""

    counsel = None
    native_reviewer = None
    is_material = None
    effective_from = None
    review_due_on = None

    def written(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        return self.told()


def initial_of(content: dict[str, Any], revision: int) -> dict[str, Any]:
    """What the form shows of a draft."""
    told = content.get("incident", {})
    more = {f"incident_{name}": _local(told[name]) for name in ("starts_at", "ends_at") if told}
    return more | {"incident_markets": told.get("markets", [])} | _initial_of(content, revision)


def _initial_of(content: dict[str, Any], revision: int) -> dict[str, Any]:
    plain = ("counsel", "native_reviewer", "requires_acknowledgement", "is_material", "review_due_on")
    return {
        **{name: content[name] for name in plain},
        **{f"{part}_{language}": words for part in ("title", "text") for language, words in content[part].items()},
        **{name: _local(content[name]) for name in ("effective_from", "effective_until")},
        "revision": revision,
    }


class NoticeForm(ReasonForm):
    """A withdrawal or a correction: what the public reads, and the reason for those who vote."""

    action = forms.ChoiceField(choices=[("withdraw", _("Withdraw")), ("correct", _("Correct"))])
    text_en = _line(_("What the public reads, English"), 2000, "en", needed=True)
    text_dv = _line(_("What the public reads, Dhivehi"), 2000, "dv", needed=True)


def _utc(value: datetime | None) -> str | None:
    return None if value is None else value.replace(tzinfo=UTC).isoformat()


def _local(text: str | None) -> str:
    found = moment(text)
    return "" if found is None else f"{found:%Y-%m-%dT%H:%M}"
