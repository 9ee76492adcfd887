"""What came of a kill, as a message on the next page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from trading.controls.kill import KillResult


def tell(request: HttpRequest, scope: str, result: KillResult) -> None:
    """Tell how many orders went and how long it took, or where some may still rest."""
    gone = sum(one.cancelled for one in result.markets)
    if result.is_clear:
        text = _("%(scope)s is killed. Orders cancelled: %(count)d; no venue shows one, after %(seconds).1f s.")
        messages.success(request, text % {"scope": scope, "count": gone, "seconds": result.took_s})
        return
    unclear = ", ".join(one.slug for one in result.markets if one.resting != 0)
    text = _(
        "%(scope)s is killed and places nothing, but orders may still rest on %(markets)s. They are cancelled again and again; "
        "watch the open orders below, and use the venue’s own page if they stay."
    )
    messages.error(request, text % {"scope": scope, "markets": unclear})
