"""The one kind of admin page there is: to read. What changes a row is a service, reached from the desk."""

from __future__ import annotations

import csv
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

MOST_EXPORTED = 10_000


class ReadOnly:
    """Nobody adds, changes or deletes, a superuser neither; who the site lets in may look."""

    admin_site: AdminSite

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.action(description=_("Export the selected rows (CSV)"))
def export_csv(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Model]) -> HttpResponse:
    """The selected rows with every column, at most 10,000."""
    columns = [field for field in queryset.model._meta.concrete_fields if field.editable or field.primary_key]
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{queryset.model._meta.model_name}.csv"'
    writer = csv.writer(response)
    writer.writerow([field.attname for field in columns])
    for row in queryset[:MOST_EXPORTED]:
        writer.writerow([_cell(getattr(row, field.attname)) for field in columns])
    return response


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    is_number = text.replace("-", "", 1).replace(".", "", 1).isdigit()
    return f"'{text}" if text[:1] in "=+-@\t\r" and text[:1] and not is_number else text


class RecordAdmin(ReadOnly, ModelAdmin):
    """A list to search and filter, a page per row, an export."""

    actions = [export_csv]
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = False
    compressed_fields = True


class GovernedRecord(RecordAdmin):
    """Rows that change only by a proposal: their pages say where one is made."""

    list_before_template = "parts/governed_record.html"
    change_form_before_template = "parts/governed_record.html"


class RecordInline(ReadOnly, TabularInline):
    """Rows of another table on a row's page."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
