"""Governed parameters with their versions side by side, and limits of exposure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin

from trading.admin.records import GovernedRecord, ReadOnly, export_csv
from trading.market_status import text
from trading.models import ExposureLimit, ParameterSet
from trading.parameters.limits import FIELDS
from trading.parameters.schema import SCHEMA


def _fieldsets() -> list[tuple[object, dict[str, object]]]:
    """The version's story first, then the parameters under the schema's own headings."""
    groups: dict[str, list[str]] = {}
    for spec in SCHEMA:
        groups.setdefault(spec.group.value, []).append(spec.name)
    story = ["market", "version", "reason", "authorised_by", "actor_name", "actor_id", "applied_at", "values_hash"]
    listed: list[tuple[object, dict[str, object]]] = [(name, {"fields": names}) for name, names in groups.items()]
    return [(_("version"), {"fields": story}), *listed]


@admin.register(ParameterSet)
class ParameterSetAdmin(ReadOnly, SimpleHistoryAdmin, ModelAdmin):
    """The history page lists every version with what changed against the one before."""

    list_display = ("market", "version", "actor_name", "authorised_by", "applied_at")
    list_select_related = ("market",)
    search_fields = ("market__slug", "actor_name", "reason")
    history_list_display = ("version", "reason", "authorised_by", "changes")
    fieldsets = _fieldsets()
    actions = [export_csv]

    @admin.display(description=_("changes"))
    def changes(self, version: Any) -> str:
        """Each parameter that differs from the version before: name, old, new."""
        return _changes(version, [spec.name for spec in SCHEMA])


@admin.register(ExposureLimit)
class ExposureLimitAdmin(GovernedRecord, SimpleHistoryAdmin):
    """The history page lists every version with what changed against the one before."""

    list_display = ("scope", "key", "soft_limit", "hard_limit", "version", "actor_name", "authorised_by", "applied_at")
    list_filter = ("scope",)
    history_list_display = ("version", "reason", "authorised_by", "changes")

    @admin.display(description=_("changes"))
    def changes(self, version: Any) -> str:
        """Each limit that differs from the version before: name, old, new."""
        return _changes(version, FIELDS)


def _changes(version: Any, names: Iterable[str]) -> str:
    before = version.prev_record
    if before is None:
        return "—"
    pairs = ((name, getattr(before, name), getattr(version, name)) for name in names)
    return "; ".join(f"{name}: {text(old)} → {text(new)}" for name, old, new in pairs if old != new)
