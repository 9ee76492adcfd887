"""The form by which an investor accepts a version."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from disclosures.documents.acknowledging import acknowledge
from disclosures.documents.selectors import published
from governance.review.errors import ReviewRefused

ADDRESS = "disclosure"


@never_cache
@require_POST
def accept(request: HttpRequest, kind: str, version: int) -> HttpResponse:
    """`/disclosures/<kind>/<version>/accept/`."""
    page = reverse(ADDRESS, args=[kind, version])
    if not request.user.is_authenticated:
        return redirect_to_login(page, login_url=reverse("investor-link-ask"))
    now, data = datetime.now(UTC), request.POST
    try:
        published(kind, version, now)
        acknowledge(request.user, kind, version, data.get("sha256", ""), key=data.get("idempotency_key", ""), now=now)
    except ReviewRefused as refused:
        if refused.code in ("unknown_document", "unknown_version"):
            page = reverse("disclosures")
        messages.error(request, f"{refused} {_('Nothing was changed.')}")
    else:
        messages.success(request, _("Accepted. It is kept with the hash of the text and the time."))
    return HttpResponseRedirect(page)
