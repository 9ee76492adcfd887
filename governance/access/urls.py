"""Addresses of signing in and out, and of one's own account."""

from __future__ import annotations

from django.urls import path

from governance.access import account, enrolment, link_views, password, views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="login"),
    path("sign-out/", views.SignOut.as_view(), name="logout"),
    path("second-factor/", views.second_factor, name="second-factor"),
    path("second-factor/enrol/", enrolment.enrol, name="enrol"),
    path("keys/options/", account.key_options, name="key-options"),
    path("me/", account.account, name="account"),
    path("me/password/", password.change_password, name="own-password"),
    path("new-password/<uidb64>/<token>/", password.NewPassword.as_view(), name="new-password"),
    path("link/", link_views.ask_for_link, name="investor-link-ask"),
    path("link/<str:token>/", link_views.link, name="investor-link"),
]
