"""`POST /api/v1/webhooks/<account>/fills/`: the venue's door. Its signature is its authority; there is no session to forge."""

from __future__ import annotations

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse, RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from trading import metrics
from trading.clock import SystemClock
from trading.ledger.webhooks import LARGEST_BODY, WebhookAnswer, WebhookRequest, receive_fill

log = structlog.get_logger(__name__)

STATUS = {
    WebhookAnswer.ACCEPTED: 200,
    WebhookAnswer.UNKNOWN_ACCOUNT: 404,
    WebhookAnswer.BAD_SIGNATURE: 401,
    WebhookAnswer.STALE_STAMP: 401,
    WebhookAnswer.MALFORMED: 400,
    WebhookAnswer.TOO_LARGE: 413,
    WebhookAnswer.UNAVAILABLE: 503,
}


@csrf_exempt
@require_POST
def fills(request: HttpRequest, account: str) -> JsonResponse:
    """A venue tells a fill (docs/sandbox-venue.md, section 8)."""
    answer, message = _receive(request, account)
    # An account that does not exist is not counted under its name: a label must not be the sender's choice.
    known = "unknown" if answer is WebhookAnswer.UNKNOWN_ACCOUNT else account
    metrics.WEBHOOKS.labels(known, answer.value).inc()
    return JsonResponse({"code": answer.value, "message": message}, status=STATUS[answer])


def _receive(request: HttpRequest, account: str) -> tuple[WebhookAnswer, str]:
    body = _body(request)
    if body is None:
        return WebhookAnswer.TOO_LARGE, f"a webhook has at most {LARGEST_BODY} bytes"
    received = WebhookRequest(
        account=account,
        event_id=request.headers.get("TDX-EVENT-ID", ""),
        timestamp=request.headers.get("TDX-TIMESTAMP", ""),
        signature=request.headers.get("TDX-SIGNATURE", ""),
        body=body,
    )
    try:
        return receive_fill(received, SystemClock().now_ns())
    except DatabaseError as problem:
        log.error("webhook_not_taken", problem=type(problem).__name__)
        return WebhookAnswer.UNAVAILABLE, "not taken: please send it again"


def _body(request: HttpRequest) -> bytes | None:
    """The body as sent; None where it is too large or broke off."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > LARGEST_BODY:
        return None
    try:
        return request.body
    except (RequestDataTooBig, RawPostDataException, UnreadablePostError):
        return None
