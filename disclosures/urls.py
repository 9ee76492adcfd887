"""Addresses of the public pages."""

from __future__ import annotations

from django.urls import path

from disclosures.feeds.views import Feed
from disclosures.transparency import views

urlpatterns = [
    path("", views.live, name="live"),
    path("definitions/", views.definitions, name="definitions"),
    path("feed.xml", Feed.as_view(), name="feed"),
]
