"""What people were told and left for each other, in the admin: to read, and no chat of anybody."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from governance.models import ContactChoice, DeskLook, HandOverNote, Notification, NotificationDelivery
from trading.admin.records import RecordAdmin


@admin.register(Notification)
class NotificationAdmin(RecordAdmin):
    list_display = ("person", "event", "proposal", "created_at", "read_at")
    list_filter = ("event",)
    list_select_related = ("person", "proposal")
    search_fields = ("person__username",)
    ordering = ("-id",)


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(RecordAdmin):
    list_display = ("notification", "channel", "state", "attempts", "next_attempt_at", "last_error", "sent_at")
    list_filter = ("channel", "state")
    list_select_related = ("notification",)
    ordering = ("-id",)


@admin.register(ContactChoice)
class ContactChoiceAdmin(RecordAdmin):
    """No export: it would write the chat."""

    actions: list[Any] = []
    list_display = fields = ("person", "language", "by_email")
    list_select_related = ("person",)


@admin.register(HandOverNote)
class HandOverNoteAdmin(RecordAdmin):
    list_display = ("at", "author_name", "text")
    search_fields = ("author_name", "text")
    ordering = ("-id",)


@admin.register(DeskLook)
class DeskLookAdmin(RecordAdmin):
    list_display = ("person", "looked_at")
    list_select_related = ("person",)
