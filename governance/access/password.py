"""A person's own password: changed with the old one, just after giving the second factor; or chosen anew after a reset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.access.second_factor import tell
from governance.access.sessions import end_sessions
from governance.access.unlocking import is_unlocked


class NewPasswordForm(SetPasswordForm):
    """Django's, with field texts in both languages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].label = _("New password")
        self.fields["new_password2"].label = _("New password once more")
        for name in self.fields:
            self.fields[name].widget.attrs.update({"class": "input", "dir": "ltr"})


@method_decorator(require_http_methods(["GET", "POST"]), name="dispatch")
class NewPassword(PasswordResetConfirmView):
    """`/accounts/new-password/<person>/<token>/`: after a reset by review; signs nobody in."""

    template_name = "registration/new_password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("login")


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """`/accounts/me/password/`; every other session ends with it."""
    if not is_unlocked(request):
        return HttpResponseRedirect(reverse("account"))
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    for name in form.fields:
        form.fields[name].widget.attrs.update({"class": "input", "dir": "ltr"})
    form.fields["old_password"].label = _("Password until now")
    form.fields["new_password1"].label = _("New password")
    form.fields["new_password2"].label = _("New password once more")
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            person = form.save()
            end_sessions(person, but=request.session.session_key)
            tell(person, "access.password_changed", datetime.now(UTC))
        update_session_auth_hash(request, person)
        messages.success(request, _("Your password is changed. Every other session has ended."))
        return HttpResponseRedirect(reverse("account"))
    return render(request, "registration/password.html", {"form": form}, status=422 if form.errors else 200)
