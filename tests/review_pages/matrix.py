"""Who gets what of review, written by hand: the expectation, never computed.

A row's words are the answers to nobody, investor, operator, approver, compliance, auditor, administrator, and a superuser
without a role, in this order: a status, `in` (sent to sign in) or `go` (sent elsewhere, as designed). There is no proposal.
"""

from __future__ import annotations

PEOPLE = ("nobody", "investor", "operator", "approver", "compliance", "auditor", "administrator", "superuser")

DESK_PAGE = "in  403 200 200 200 200 200 403"
OPERATORS = "in  403 200 403 403 403 403 403"
ADMINS___ = "in  403 403 403 403 403 200 403"
NO_SUCH__ = "in  403 404 404 404 404 404 403"
DONE_____ = "in  403 go  go  go  go  go  403"
API_READ_ = "403 403 200 200 200 200 200 403"
API_NONE_ = "403 403 404 404 404 404 404 403"
API_BAD__ = "403 403 400 400 400 400 400 403"
_ONE, _API = "desk/review/<int:proposal_id>/", "api/v1/review/<int:proposal_id>/"

# route of the URLconf, method, address asked, what is sent, row
URLS: tuple[tuple[str, str, str, dict[str, str], str], ...] = (
    ("desk/review/", "GET", "/desk/review/", {}, DESK_PAGE),
    ("desk/review/all/", "GET", "/desk/review/all/", {}, DESK_PAGE),
    ("desk/review/new/", "GET", "/desk/review/new/", {}, OPERATORS),
    ("desk/review/new/", "POST", "/desk/review/new/", {}, OPERATORS),
    ("desk/review/new/<slug:kind>/", "GET", "/desk/review/new/role_grant/", {}, ADMINS___),
    ("desk/review/new/<slug:kind>/", "POST", "/desk/review/new/role_grant/", {}, ADMINS___),
    ("desk/review/new/<slug:kind>/", "GET", "/desk/review/new/everything/", {}, NO_SUCH__),
    ("desk/review/versions/<slug:market>/", "GET", "/desk/review/versions/dct-usdt-dex/", {}, DESK_PAGE),
    ("desk/review/versions/<slug:market>/", "POST", "/desk/review/versions/dct-usdt-dex/", {},
     "in  403 422 422 422 422 422 403"),
    (_ONE, "GET", "/desk/review/0/", {}, NO_SUCH__),
    (f"{_ONE}edit/", "GET", "/desk/review/0/edit/", {}, NO_SUCH__),
    (f"{_ONE}edit/", "POST", "/desk/review/0/edit/", {}, NO_SUCH__),
    (f"{_ONE}story.json", "GET", "/desk/review/0/story.json", {}, NO_SUCH__),
    (f"{_ONE}<slug:verb>/", "POST", "/desk/review/0/vote/", {}, NO_SUCH__),
    ("desk/widen/<slug:market>/", "GET", "/desk/widen/dct-usdt-dex/", {}, OPERATORS),
    ("desk/widen/<slug:market>/", "POST", "/desk/widen/dct-usdt-dex/", {}, "in  403 422 403 403 403 403 403"),
    ("desk/note/", "POST", "/desk/note/", {}, DONE_____),
    ("desk/looked/", "POST", "/desk/looked/", {}, DONE_____),
    ("desk/notifications/", "GET", "/desk/notifications/", {}, DESK_PAGE),
    ("desk/notifications/read/", "POST", "/desk/notifications/read/", {}, DONE_____),
    ("desk/notifications/contact/", "POST", "/desk/notifications/contact/", {}, DONE_____),
    ("desk/notifications/deliveries/", "GET", "/desk/notifications/deliveries/", {}, DESK_PAGE),
    ("desk/notifications/deliveries/<int:delivery_id>/retry/", "POST", "/desk/notifications/deliveries/0/retry/", {},
     DONE_____),
    ("api/v1/review/", "GET", "/api/v1/review/", {}, API_READ_),
    ("api/v1/review/", "POST", "/api/v1/review/", {}, API_BAD__),
    ("api/v1/review/inbox/", "GET", "/api/v1/review/inbox/", {}, API_READ_),
    ("api/v1/review/rollback/", "POST", "/api/v1/review/rollback/", {}, API_BAD__),
    (_API, "GET", "/api/v1/review/0/", {}, API_NONE_),
    (_API, "PUT", "/api/v1/review/0/", {}, API_BAD__),
    (f"{_API}story/", "GET", "/api/v1/review/0/story/", {}, API_NONE_),
    (f"{_API}preview/", "POST", "/api/v1/review/0/preview/", {}, "403 403 409 409 409 409 409 403"),
    (f"{_API}submit/", "POST", "/api/v1/review/0/submit/", {}, API_NONE_),
    (f"{_API}apply-at-once/", "POST", "/api/v1/review/0/apply-at-once/", {}, API_NONE_),
    (f"{_API}vote/", "POST", "/api/v1/review/0/vote/", {}, API_BAD__),
    (f"{_API}reviewed/", "POST", "/api/v1/review/0/reviewed/", {}, API_BAD__),
    (f"{_API}withdraw/", "POST", "/api/v1/review/0/withdraw/", {}, API_BAD__),
    (f"{_API}cancel/", "POST", "/api/v1/review/0/cancel/", {}, API_BAD__),
    (f"{_API}schedule/", "POST", "/api/v1/review/0/schedule/", {}, API_BAD__),
    (f"{_API}comment/", "POST", "/api/v1/review/0/comment/", {}, API_BAD__),
)  # fmt: skip
