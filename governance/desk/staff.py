"""Who may see the desk's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.access.roles import STAFF_ROLES, has_role

View = Callable[..., HttpResponse]


def for_staff(view: View) -> View:
    """Members of a staff role only: others sign in, or are told that their account is not one."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not has_role(request.user, *STAFF_ROLES):
            return render(request, "403.html", status=403)
        return view(request, *args, **kwargs)

    return checked
