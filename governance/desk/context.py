"""What every page's frame shows: whether the visitor may see the desk."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from governance.access.roles import STAFF_ROLES, has_role
from governance.alerts.inbox import unread_count


def page(request: HttpRequest) -> dict[str, Any]:
    """`is_staff_member`: a member of any staff role; `unread`: the number at the bell.

    Lazy: pages that do not ask cost no query."""
    user = getattr(request, "user", None)
    return {
        "is_staff_member": SimpleLazyObject(lambda: has_role(user, *STAFF_ROLES)),
        "unread": SimpleLazyObject(lambda: unread_count(request.user)),
    }
