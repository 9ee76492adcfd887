"""Addresses of the operators' pages."""

from __future__ import annotations

from django.urls import path

from governance.desk import dead_letters, kill, resume, views

urlpatterns = [
    path("", views.desk, name="desk"),
    path("controls/<slug:scope>/", views.control, name="desk-control"),
    path("kill/<slug:scope>/", kill.kill, name="desk-kill"),
    path("resume/<slug:scope>/<slug:rule>/", resume.ask, name="desk-resume"),
    path("set-aside/", dead_letters.set_aside, name="desk-set-aside"),
    path("set-aside/<str:name>/", dead_letters.letter, name="desk-letter"),
    path("requests/<int:request_id>/", resume.decide, name="desk-request"),
]
