"""Addresses of the operators' pages."""

from __future__ import annotations

from django.urls import path

from governance.desk import views

urlpatterns = [
    path("", views.desk, name="desk"),
    path("controls/<slug:scope>/", views.control, name="desk-control"),
]
