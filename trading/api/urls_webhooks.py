"""Addresses that venues call; included under /api/v1/."""

from __future__ import annotations

from django.urls import path

from trading.api import webhooks

urlpatterns = [path("webhooks/<slug:account>/fills/", webhooks.fills, name="webhook-fills")]
