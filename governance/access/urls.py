"""Addresses of signing in and out."""

from __future__ import annotations

from django.urls import path

from governance.access import views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="login"),
    path("sign-out/", views.SignOut.as_view(), name="logout"),
]
