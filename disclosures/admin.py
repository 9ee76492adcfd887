"""Documents and reports in the records, to read. Documents are written and decided on the desk."""

from __future__ import annotations

from django.contrib import admin

from disclosures.models import (
    DisclosureAcknowledgement,
    DisclosureDraft,
    DisclosureNotice,
    DisclosureVersion,
    JurisdictionRule,
    PublicReport,
)
from trading.admin.records import RecordAdmin


@admin.register(DisclosureDraft)
class DisclosureDraftAdmin(RecordAdmin):
    list_display = ("kind", "revision", "authors", "proposal", "updated_at")
    list_filter = ("kind",)


@admin.register(DisclosureVersion)
class DisclosureVersionAdmin(RecordAdmin):
    list_display = ("kind", "version", "published_at", "effective_until", "review_due_on", "authorised_by", "sha256")
    list_filter = ("kind",)
    ordering = ("-published_at",)
    # The files are read at the public address.
    exclude = ("pdf_en", "pdf_dv")


@admin.register(DisclosureNotice)
class DisclosureNoticeAdmin(RecordAdmin):
    list_display = ("version", "what", "at", "authorised_by")
    list_filter = ("what",)


@admin.register(DisclosureAcknowledgement)
class DisclosureAcknowledgementAdmin(RecordAdmin):
    list_display = ("version", "person", "sha256", "at")
    list_filter = ("version__kind",)
    ordering = ("-at",)


@admin.register(PublicReport)
class PublicReportAdmin(RecordAdmin):
    list_display = ("kind", "period_start", "period_end", "made_at", "publication_version", "sha256")
    list_filter = ("kind",)
    ordering = ("-period_end", "kind")


@admin.register(JurisdictionRule)
class JurisdictionRuleAdmin(RecordAdmin):
    list_display = ("country", "version", "mode", "scope", "applied_at", "authorised_by", "actor_name", "reason")
    list_filter = ("mode", "scope")
    ordering = ("-applied_at",)
