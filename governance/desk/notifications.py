"""`/desk/notifications/`: what a person was told, how they want to be told, and what did not arrive."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from governance.access.roles import Role, has_role
from governance.alerts.delivery import try_again
from governance.alerts.inbox import choose_contact, contact_of, mark_read, notices, troubled_deliveries
from governance.desk.review.pages import now, page
from governance.desk.staff import for_staff
from governance.review.errors import ReviewRefused


@never_cache
@require_safe
@for_staff
def show(request: HttpRequest) -> HttpResponse:
    """Newest first, with how to be told besides."""
    context = {
        "notices": notices(request.user),
        "contact": contact_of(request.user),
        "email": request.user.email,
        "has_telegram": bool(settings.TELEGRAM_BOT_TOKEN),
        "languages": [("en", "English"), ("dv", "ދިވެހި")],
    }
    return page(request, "notifications", context | {"here": "notifications"})


@require_POST
@for_staff
def read(request: HttpRequest) -> HttpResponse:
    """`/desk/notifications/read/`: one (`notice`) or all; sent twice, it is the same."""
    wanted = request.POST.get("notice", "")
    is_number = wanted.isascii() and wanted.isdecimal() and len(wanted) < 18
    mark_read(request.user, now(), int(wanted) if is_number else None)
    return HttpResponseRedirect(reverse("notifications"))


@require_POST
@for_staff
def contact(request: HttpRequest) -> HttpResponse:
    """`/desk/notifications/contact/`: language, e-mail, Telegram; sent twice, it is the same."""
    data = request.POST
    language = "dv" if data.get("language") == "dv" else "en"
    try:
        choose_contact(request.user, language, data.get("by_email") == "on", data.get("telegram_chat", ""))
    except ReviewRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("notifications"))


@never_cache
@require_safe
@for_staff
def deliveries(request: HttpRequest) -> HttpResponse:
    """`/desk/notifications/deliveries/`: what is being tried again or was given up."""
    context = {
        "deliveries": troubled_deliveries(now()),
        "is_administrator": has_role(request.user, Role.ADMINISTRATOR),
    }
    return page(request, "deliveries", context | {"here": "notifications"})


@require_POST
@for_staff
def retry(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """`/desk/notifications/deliveries/<id>/retry/`, by an administrator; a second press finds nothing to do."""
    if not has_role(request.user, Role.ADMINISTRATOR):
        messages.error(request, _("This is for administrators."))
    elif try_again(delivery_id, now()):
        messages.success(request, _("It is tried again."))
    return HttpResponseRedirect(reverse("deliveries"))
