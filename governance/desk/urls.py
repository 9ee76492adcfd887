"""Addresses of the operators' pages."""

from __future__ import annotations

from django.urls import include, path

from governance.desk import dead_letters, kill, notes, notifications, resume, views, widen

urlpatterns = [
    path("", views.desk, name="desk"),
    path("controls/<slug:scope>/", views.control, name="desk-control"),
    path("kill/<slug:scope>/", kill.kill, name="desk-kill"),
    path("resume/<slug:scope>/<slug:rule>/", resume.ask, name="desk-resume"),
    path("set-aside/", dead_letters.set_aside, name="desk-set-aside"),
    path("set-aside/<str:name>/", dead_letters.letter, name="desk-letter"),
    path("widen/<slug:market>/", widen.show, name="desk-widen"),
    path("note/", notes.write_note, name="desk-note"),
    path("looked/", notes.have_looked, name="desk-looked"),
    path("notifications/", notifications.show, name="notifications"),
    path("notifications/read/", notifications.read, name="notifications-read"),
    path("notifications/contact/", notifications.contact, name="notifications-contact"),
    path("notifications/deliveries/", notifications.deliveries, name="deliveries"),
    path("notifications/deliveries/<int:delivery_id>/retry/", notifications.retry, name="delivery-retry"),
    path("review/", include("governance.desk.review.urls")),
]
