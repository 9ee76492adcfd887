"""Who gets what, written by hand: the expectation, never computed. What is missing here fails `test_matrix.py`.

A row's words are the answers to nobody, investor, operator, approver, compliance, auditor, administrator, and a superuser
without a role, in this order: a status, `in` (sent to sign in) or `go` (sent elsewhere, as designed).
"""

from __future__ import annotations

PEOPLE = ("nobody", "investor", "operator", "approver", "compliance", "auditor", "administrator", "superuser")

EVERYBODY = "200 200 200 200 200 200 200 200"
# Without the asset that it asks for; there is no treasury.
BAD_FOR_ALL = "400 400 400 400 400 400 400 400"
NOT_THERE = "404 404 404 404 404 404 404 404"
DESK_PAGE = "in  403 200 200 200 200 200 403"
DESK_API_ = "403 403 200 200 200 200 200 403"
RECORDS__ = "in  in  200 200 200 200 200 in "
NO_RECORD = "in  in  403 403 403 403 403 in "
OPERATORS = "in  403 200 403 403 403 403 403"
NO_SUCH__ = "in  403 404 404 404 404 404 403"
ADMINS___ = "in  403 403 403 403 403 200 403"
DONE_____ = "in  403 go  go  go  go  go  403"
API_READ_ = "403 403 200 200 200 200 200 403"
API_NONE_ = "403 403 404 404 404 404 404 403"
API_BAD__ = "403 403 400 400 400 400 400 403"
_ONE, _API = "desk/review/<int:proposal_id>/", "api/v1/review/<int:proposal_id>/"

# route of the URLconf, method, address asked, what is sent, row
URLS: tuple[tuple[str, str, str, dict[str, str], str], ...] = (
    ("", "GET", "/", {}, EVERYBODY),
    ("definitions/", "GET", "/definitions/", {}, EVERYBODY),
    ("markets/", "GET", "/markets/", {}, EVERYBODY),
    ("markets/<slug:slug>/", "GET", "/markets/dct-usdt-dex/", {}, EVERYBODY),
    ("markets/<slug:slug>/<slug:key>/", "GET", "/markets/dct-usdt-dex/spread/", {}, EVERYBODY),
    ("changes/", "GET", "/changes/", {}, EVERYBODY),
    ("incidents/", "GET", "/incidents/", {}, EVERYBODY),
    ("incidents/reports/<slug:kind>/", "GET", "/incidents/reports/incident-20260304-1/", {}, NOT_THERE),
    ("incidents/reports/<slug:kind>/<int:version>/", "GET", "/incidents/reports/incident-20260304-1/1/", {}, NOT_THERE),
    ("restatements/", "GET", "/restatements/", {}, EVERYBODY),
    ("treasury/", "GET", "/treasury/", {}, EVERYBODY),
    ("buybacks/", "GET", "/buybacks/", {}, EVERYBODY),
    ("rewards/", "GET", "/rewards/", {}, EVERYBODY),
    ("disclosures/", "GET", "/disclosures/", {}, EVERYBODY),
    ("disclosures/<slug:kind>/", "GET", "/disclosures/general-risk/", {}, NOT_THERE),
    ("disclosures/<slug:kind>/<int:version>/", "GET", "/disclosures/general-risk/1/", {}, NOT_THERE),
    ("disclosures/<slug:kind>/<int:version>/content.json", "GET", "/disclosures/general-risk/1/content.json", {}, NOT_THERE),
    ("disclosures/<slug:kind>/<int:version>/<slug:language>.pdf", "GET", "/disclosures/general-risk/1/en.pdf", {}, NOT_THERE),
    ("disclosures/<slug:kind>/<int:version>/accept/", "POST", "/disclosures/general-risk/1/accept/", {},
     "go  go  go  go  go  go  go  go "),
    ("reports/", "GET", "/reports/", {}, EVERYBODY),
    ("reports/<slug:kind>/<slug:day>/", "GET", "/reports/daily/2026-03-04/", {}, NOT_THERE),
    ("reports/<slug:kind>/<slug:day>.csv", "GET", "/reports/daily/2026-03-04.csv", {}, NOT_THERE),
    ("reports/<slug:kind>/<slug:day>.json", "GET", "/reports/daily/2026-03-04.json", {}, NOT_THERE),
    ("reports/<slug:kind>/<slug:day>.pdf", "GET", "/reports/daily/2026-03-04.pdf", {}, NOT_THERE),
    ("jurisdictions/", "GET", "/jurisdictions/", {}, EVERYBODY),
    ("jurisdictions/here/", "POST", "/jurisdictions/here/", {"country": "MV"}, "go  go  go  go  go  go  go  go "),
    ("healthz", "GET", "/healthz", {}, EVERYBODY),
    ("readyz", "GET", "/readyz", {}, "503 503 503 503 503 503 503 503"),
    ("metrics", "GET", "/metrics", {}, "403 403 403 403 403 403 403 403"),
    ("robots.txt", "GET", "/robots.txt", {}, EVERYBODY),
    ("language/setlang/", "POST", "/language/setlang/", {"language": "en"}, "go  go  go  go  go  go  go  go "),
    ("^.*$", "GET", "/nothing-there/", {}, NOT_THERE),
    ("^.*$", "GET", "/desk", {}, "go  go  go  go  go  go  go  go "),
    ("^.*$", "POST", "/nothing-there/", {}, NOT_THERE),
    # the desk
    ("desk/", "GET", "/desk/", {}, DESK_PAGE),
    ("desk/controls/<slug:scope>/", "GET", "/desk/controls/desk/", {}, "in  403 200 403 403 403 403 403"),
    ("desk/controls/<slug:scope>/", "POST", "/desk/controls/desk/", {}, "in  403 422 403 403 403 403 403"),
    ("desk/kill/<slug:scope>/", "GET", "/desk/kill/desk/", {}, "in  403 200 403 403 403 403 403"),
    ("desk/kill/<slug:scope>/", "POST", "/desk/kill/desk/", {}, "in  403 422 403 403 403 403 403"),
    ("desk/resume/<slug:scope>/<slug:rule>/", "GET", "/desk/resume/desk/kill/", {}, "in  403 200 403 403 403 403 403"),
    ("desk/resume/<slug:scope>/<slug:rule>/", "POST", "/desk/resume/desk/kill/", {}, "in  403 422 403 403 403 403 403"),
    ("desk/set-aside/", "GET", "/desk/set-aside/", {}, DESK_PAGE),
    ("desk/set-aside/<str:name>/", "GET", "/desk/set-aside/nothing/", {}, "in  403 404 404 404 404 404 403"),
    ("desk/set-aside/<str:name>/", "POST", "/desk/set-aside/nothing/", {}, "in  403 404 403 403 403 403 403"),
    # review; there is no proposal
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
    # documents for the public, at work
    ("desk/disclosures/", "GET", "/desk/disclosures/", {}, DESK_PAGE),
    ("desk/disclosures/new/", "POST", "/desk/disclosures/new/", {}, "in  403 422 422 404 422 422 403"),
    ("desk/disclosures/report/", "POST", "/desk/disclosures/report/", {}, "in  403 422 422 422 422 422 403"),
    ("desk/disclosures/acknowledgements.csv", "GET", "/desk/disclosures/acknowledgements.csv", {},
     "in  403 403 403 200 200 403 403"),
    ("desk/disclosures/drafts/<int:draft_id>/", "GET", "/desk/disclosures/drafts/0/", {}, "in  403 404 404 404 404 404 403"),
    ("desk/disclosures/drafts/<int:draft_id>/", "POST", "/desk/disclosures/drafts/0/", {}, "in  403 404 404 404 404 404 403"),
    ("desk/disclosures/drafts/<int:draft_id>/preview/", "GET", "/desk/disclosures/drafts/0/preview/", {},
     "in  403 404 404 404 404 404 403"),
    ("desk/disclosures/drafts/<int:draft_id>/submit/", "POST", "/desk/disclosures/drafts/0/submit/", {},
     "in  403 422 422 422 422 422 403"),
    ("desk/disclosures/drafts/<int:draft_id>/drop/", "POST", "/desk/disclosures/drafts/0/drop/", {},
     "in  403 422 422 422 422 422 403"),
    ("desk/disclosures/proposals/<int:proposal_id>/", "GET", "/desk/disclosures/proposals/0/", {},
     "in  403 404 404 404 404 404 403"),
    ("desk/disclosures/<slug:kind>/<int:version>/", "GET", "/desk/disclosures/general-risk/1/", {},
     "in  403 404 404 404 404 404 403"),
    ("desk/disclosures/<slug:kind>/<int:version>/", "POST", "/desk/disclosures/general-risk/1/", {},
     "in  403 404 404 404 404 404 403"),
    # signing in, one's own account
    ("accounts/sign-in/", "GET", "/accounts/sign-in/", {}, "200 go  go  go  go  go  go  go "),
    ("accounts/sign-in/", "POST", "/accounts/sign-in/", {}, "200 go  go  go  go  go  go  go "),
    ("accounts/sign-out/", "POST", "/accounts/sign-out/", {}, "go  go  go  go  go  go  go  go "),
    ("accounts/second-factor/", "GET", "/accounts/second-factor/", {}, "in  in  in  in  in  in  in  in "),
    ("accounts/second-factor/", "POST", "/accounts/second-factor/", {"code": "0"}, "in  in  in  in  in  in  in  in "),
    ("accounts/second-factor/enrol/", "GET", "/accounts/second-factor/enrol/", {}, "in  go  go  go  go  go  go  go "),
    ("accounts/second-factor/enrol/", "POST", "/accounts/second-factor/enrol/", {}, "in  go  go  go  go  go  go  go "),
    ("accounts/keys/options/", "POST", "/accounts/keys/options/", {"for": "enrol"}, "403 403 403 403 403 403 403 403"),
    ("accounts/keys/options/", "POST", "/accounts/keys/options/", {"for": "sign_in"}, "403 403 403 403 403 403 403 403"),
    ("accounts/keys/options/", "POST", "/accounts/keys/options/", {"for": "step_up"}, "403 422 422 422 422 422 422 422"),
    ("accounts/me/", "GET", "/accounts/me/", {}, "in  200 200 200 200 200 200 200"),
    ("accounts/me/", "POST", "/accounts/me/", {"action": "x"}, "in  400 400 400 400 400 400 400"),
    ("accounts/me/", "POST", "/accounts/me/", {"action": "new_codes"}, "in  422 422 422 422 422 422 422"),
    ("accounts/me/", "POST", "/accounts/me/", {"action": "collect_token"}, "in  422 422 422 422 422 422 422"),
    ("accounts/me/password/", "GET", "/accounts/me/password/", {}, "in  go  go  go  go  go  go  go "),
    ("accounts/me/password/", "POST", "/accounts/me/password/", {}, "in  go  go  go  go  go  go  go "),
    ("accounts/new-password/<uidb64>/<token>/", "GET", "/accounts/new-password/x/x-x/", {}, EVERYBODY),
    ("accounts/new-password/<uidb64>/<token>/", "POST", "/accounts/new-password/x/x-x/", {}, EVERYBODY),
    ("accounts/link/", "GET", "/accounts/link/", {}, EVERYBODY),
    ("accounts/link/", "POST", "/accounts/link/", {}, "422 422 422 422 422 422 422 422"),
    ("accounts/link/<str:token>/", "GET", "/accounts/link/x/", {}, "410 410 410 410 410 410 410 410"),
    ("accounts/link/<str:token>/", "POST", "/accounts/link/x/", {}, "410 410 410 410 410 410 410 410"),
    # With DEBUG and on this machine alone; test_demo_page.py.
    ("demo/", "GET", "/demo/", {}, NOT_THERE),
    # the API
    ("api/v1/schema/", "GET", "/api/v1/schema/", {}, EVERYBODY),
    ("api/v1/public/disclosures/", "GET", "/api/v1/public/disclosures/", {}, EVERYBODY),
    ("api/v1/public/disclosures/<slug:kind>/<int:version>/", "GET", "/api/v1/public/disclosures/general-risk/1/", {}, NOT_THERE),
    ("api/v1/public/reports/", "GET", "/api/v1/public/reports/", {}, EVERYBODY),
    ("api/v1/public/reports/<slug:kind>/<slug:day>/", "GET", "/api/v1/public/reports/daily/2026-03-04/", {}, NOT_THERE),
    ("api/v1/public/markets/", "GET", "/api/v1/public/markets/", {}, EVERYBODY),
    ("api/v1/public/markets/<slug:slug>/", "GET", "/api/v1/public/markets/dct-usdt-dex/", {}, EVERYBODY),
    ("api/v1/public/markets/<slug:slug>/history/", "GET", "/api/v1/public/markets/dct-usdt-dex/history/", {}, EVERYBODY),
    ("feed.xml", "GET", "/feed.xml", {}, EVERYBODY),
    ("api/v1/public/markets.csv", "GET", "/api/v1/public/markets.csv", {}, EVERYBODY),
    ("api/v1/public/markets/<slug:slug>/series/", "GET", "/api/v1/public/markets/dct-usdt-dex/series/?metric=spread", {},
     EVERYBODY),
    ("api/v1/public/markets/<slug:slug>/series.csv", "GET", "/api/v1/public/markets/dct-usdt-dex/series.csv?metric=spread", {},
     EVERYBODY),
    ("api/v1/public/markets/<slug:slug>/parameters/", "GET", "/api/v1/public/markets/dct-usdt-dex/parameters/", {}, EVERYBODY),
    ("api/v1/public/markets/<slug:slug>/parameters.csv", "GET", "/api/v1/public/markets/dct-usdt-dex/parameters.csv", {},
     EVERYBODY),
    ("api/v1/public/incidents/", "GET", "/api/v1/public/incidents/", {}, EVERYBODY),
    ("api/v1/public/incidents.csv", "GET", "/api/v1/public/incidents.csv", {}, EVERYBODY),
    ("api/v1/public/incidents/reports/", "GET", "/api/v1/public/incidents/reports/", {}, EVERYBODY),
    ("api/v1/public/incidents/reports.csv", "GET", "/api/v1/public/incidents/reports.csv", {}, EVERYBODY),
    ("api/v1/public/restatements/", "GET", "/api/v1/public/restatements/", {}, EVERYBODY),
    ("api/v1/public/restatements.csv", "GET", "/api/v1/public/restatements.csv", {}, EVERYBODY),
    ("api/v1/public/jurisdictions/", "GET", "/api/v1/public/jurisdictions/", {}, EVERYBODY),
    ("api/v1/public/jurisdictions.csv", "GET", "/api/v1/public/jurisdictions.csv", {}, EVERYBODY),
    ("api/v1/public/treasury/", "GET", "/api/v1/public/treasury/", {}, EVERYBODY),
    ("api/v1/public/treasury.csv", "GET", "/api/v1/public/treasury.csv", {}, EVERYBODY),
    ("api/v1/public/treasury/balances/", "GET", "/api/v1/public/treasury/balances/", {}, BAD_FOR_ALL),
    ("api/v1/public/treasury/balances.csv", "GET", "/api/v1/public/treasury/balances.csv", {}, BAD_FOR_ALL),
    ("api/v1/public/buybacks/", "GET", "/api/v1/public/buybacks/", {}, EVERYBODY),
    ("api/v1/public/buybacks.csv", "GET", "/api/v1/public/buybacks.csv", {}, EVERYBODY),
    ("api/v1/public/buybacks/days/", "GET", "/api/v1/public/buybacks/days/", {}, EVERYBODY),
    ("api/v1/public/buybacks/days.csv", "GET", "/api/v1/public/buybacks/days.csv", {}, EVERYBODY),
    ("api/v1/public/buybacks/programmes/", "GET", "/api/v1/public/buybacks/programmes/", {}, EVERYBODY),
    ("api/v1/public/buybacks/programmes.csv", "GET", "/api/v1/public/buybacks/programmes.csv", {}, EVERYBODY),
    ("api/v1/public/rewards/", "GET", "/api/v1/public/rewards/", {}, EVERYBODY),
    ("api/v1/public/rewards.csv", "GET", "/api/v1/public/rewards.csv", {}, EVERYBODY),
    ("api/v1/public/rewards/payouts/", "GET", "/api/v1/public/rewards/payouts/", {}, EVERYBODY),
    ("api/v1/public/rewards/payouts.csv", "GET", "/api/v1/public/rewards/payouts.csv", {}, EVERYBODY),
    ("api/v1/public/publication/", "GET", "/api/v1/public/publication/", {}, EVERYBODY),
    ("api/v1/public/publication.csv", "GET", "/api/v1/public/publication.csv", {}, EVERYBODY),
    # Told apart by their signature, not by who is signed in.
    ("api/v1/webhooks/<slug:account>/fills/", "POST", "/api/v1/webhooks/dex-desk/fills/", {}, "401 401 401 401 401 401 401 401"),
    ("api/v1/markets/", "GET", "/api/v1/markets/", {}, DESK_API_),
    ("api/v1/markets/<slug:slug>/", "GET", "/api/v1/markets/dct-usdt-dex/", {}, DESK_API_),
    ("api/v1/markets/<slug:slug>/history/", "GET", "/api/v1/markets/dct-usdt-dex/history/", {}, DESK_API_),
    ("api/v1/fills/", "GET", "/api/v1/fills/", {}, DESK_API_),
    ("api/v1/orders/", "GET", "/api/v1/orders/", {}, DESK_API_),
    ("api/v1/decisions/", "GET", "/api/v1/decisions/", {}, DESK_API_),
    ("api/v1/parameters/<slug:slug>/versions/", "GET", "/api/v1/parameters/dct-usdt-dex/versions/", {}, DESK_API_),
    ("api/v1/controls/", "POST", "/api/v1/controls/",
     {"scope": "desk", "state": "PAUSED", "reason": "a test"}, "403 403 200 403 403 403 403 403"),
    ("api/v1/controls/kill/", "POST", "/api/v1/controls/kill/",
     {"scope": "nowhere", "reason": "a test"}, "403 403 404 403 403 403 403 403"),
    ("api/v1/controls/resume-requests/", "GET", "/api/v1/controls/resume-requests/", {}, DESK_API_),
    # Without rules of review nobody asks; with them: tests/review_pages/test_resume.py.
    ("api/v1/controls/resume-requests/", "POST", "/api/v1/controls/resume-requests/",
     {"scope": "nowhere", "reason": "a test"}, "403 403 409 403 403 403 403 403"),
    # Without a second factor nobody resumes anything.
    ("api/v1/controls/", "POST", "/api/v1/controls/",
     {"scope": "desk", "state": "ACTIVE", "reason": "a test"}, "403 403 403 403 403 403 403 403"),
    ("api/v1/^.*$", "GET", "/api/v1/nothing/", {}, NOT_THERE),
    ("api/v1/^.*$", "POST", "/api/v1/nothing/", {}, NOT_THERE),
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
    # the records, beside those of each table
    ("admin/login/", "GET", "/admin/login/", {}, "in  403 403 403 403 403 403 403"),
    ("admin/login/", "POST", "/admin/login/", {}, "in  403 403 403 403 403 403 403"),
    ("admin/", "GET", "/admin/", {}, RECORDS__),
    ("admin/^(?P<app_label>trading|governance|auth|disclosures)/$", "GET", "/admin/trading/", {}, RECORDS__),
    ("admin/search/", "GET", "/admin/search/?s=x", {}, RECORDS__),
    ("admin/logout/", "POST", "/admin/logout/", {}, "go  go  go  go  go  go  go  go "),
    ("admin/password_change/", "GET", "/admin/password_change/", {}, "in  in  go  go  go  go  go  in "),
    ("admin/password_change/", "POST", "/admin/password_change/", {}, "in  in  go  go  go  go  go  in "),
    ("admin/password_change/done/", "GET", "/admin/password_change/done/", {}, RECORDS__),
    ("admin/autocomplete/", "GET", "/admin/autocomplete/", {}, NO_RECORD),
    ("admin/jsi18n/", "GET", "/admin/jsi18n/", {}, RECORDS__),
    ("admin/r/<path:content_type_id>/<path:object_id>/", "GET", "/admin/r/0/0/", {}, "in  in  404 404 404 404 404 in "),
    ("admin/(?P<url>.*)$", "GET", "/admin/nothing/", {}, "in  in  404 404 404 404 404 in "),
)  # fmt: skip

# Every table of the records, and the pages that each has: to read, and nothing else.
RECORDS = (
    "auth.group", "disclosures.disclosureacknowledgement", "disclosures.disclosuredraft", "disclosures.disclosurenotice",
    "disclosures.disclosureversion", "disclosures.jurisdictionrule", "disclosures.publicreport",
    "governance.apitoken", "governance.contactchoice", "governance.desklook",
    "governance.governancegenesis",
    "governance.handovernote", "governance.notification", "governance.notificationdelivery", "governance.personsession",
    "governance.proposal",
    "governance.proposalcomment", "governance.proposalpreview", "governance.proposaltransition", "governance.recoverycode",
    "governance.reviewpolicy", "governance.riskdirectionrow", "governance.rolegrant", "governance.securitykey",
    "governance.signinlink", "governance.stepupproof", "governance.totpdevice", "governance.user", "governance.vote",
    "trading.asset", "trading.fundingreport", "trading.buyback", "trading.buybackprogramme", "trading.rewardepoch",
    "trading.rewardpayout", "trading.treasurybalance", "trading.treasurydeclaration", "trading.treasurywallet",
    "trading.assetalias", "trading.cashbalance", "trading.cashmovement", "trading.commandreceipt", "trading.decision",
    "trading.decisionbatch", "trading.event", "trading.exposurelimit", "trading.fill", "trading.fillquarantine",
    "trading.leaseepoch", "trading.lock", "trading.market", "trading.marketminute", "trading.marketsample",
    "trading.minutechange",
    "trading.mmstate",
    "trading.namedgate", "trading.order", "trading.outboxentry", "trading.parameterset", "trading.position",
    "trading.reconciliationreport", "trading.resumerequest", "trading.tradingcontrol", "trading.tradingsession",
    "trading.venue", "trading.venueaccount", "trading.venuecursor", "trading.volatilitysnapshot",
)  # fmt: skip
RECORD_PAGES: tuple[tuple[str, str, str, str], ...] = (
    ("changelist", "GET", "", RECORDS__),
    ("add", "GET", "add/", NO_RECORD),
    ("add", "POST", "add/", NO_RECORD),
    ("change", "GET", "0/change/", "in  in  go  go  go  go  go  in "),
    ("change", "POST", "0/change/", "in  in  403 403 403 403 403 in "),
    ("delete", "GET", "0/delete/", NO_RECORD),
    ("delete", "POST", "0/delete/", NO_RECORD),
    ("history", "GET", "0/history/", "in  in  go  go  go  go  go  in "),
)

# Where one table differs: a version's page answers for a row that is not there, instead of leading back to the list.
RECORD_EXCEPTIONS = {
    ("trading.parameterset", "history"): "in  in  404 404 404 404 404 in ",
    ("trading.exposurelimit", "history"): "in  in  404 404 404 404 404 in ",
}

# A socket's route, and whether it tells anything (ok) or closes (no).
SOCKETS = {
    "ws/desk/": "no  no  ok  ok  ok  ok  ok  no ",
    "ws/public/": "ok  ok  ok  ok  ok  ok  ok  ok ",
    "^.*$": "no  no  no  no  no  no  no  no ",
}

# Who may run a command. "owner": refused to the application role. "machine": whoever has a shell on the machine, with what the
# database grants the application role. "machine, person": also `--as` with password and code, for what a login name may not do.
OWNER, MACHINE, PERSON = "owner", "machine", "machine, person"
COMMANDS = {
    "bootstrap": OWNER, "migrate": OWNER, "prepare": OWNER,
    "adjust": PERSON, "controls": PERSON, "kill": PERSON,
    "approval_coverage": MACHINE, "dead_letters": MACHINE,
    "cancel_all": MACHINE, "chaos": MACHINE, "data_dictionary": MACHINE, "ledger": MACHINE,
    "market_data": MACHINE, "paper_table": MACHINE, "persist_state": MACHINE, "reconcile": MACHINE, "relay": MACHINE,
    "replay": MACHINE, "report": MACHINE, "rollups": MACHINE, "sandbox_venue": MACHINE, "status": MACHINE,
    "up": MACHINE, "watchdog": MACHINE,
}  # fmt: skip
# `controls <action>`, by a login name alone ("nobody") and `--as` a member of each role.
AT_SHELL = {
    "pause": "ok  no  ok  no  no  no  no  no ",
    "resume": "no  no  ok  no  no  no  no  no ",
}
# Brought by libraries: what they write, they write as the application role.
LIBRARY_COMMANDS = {
    "changepassword", "check", "clean_duplicate_history", "clean_old_history", "clearsessions", "collectstatic",
    "compilemessages", "createcachetable", "createsuperuser", "dbshell", "diffsettings", "dumpdata", "findstatic",
    "flush", "generateschema", "inspectdb", "loaddata", "makemessages", "makemigrations", "optimizemigration",
    "populate_history", "remove_stale_contenttypes", "runserver", "runworker", "sendtestemail", "shell",
    "showmigrations", "spectacular", "sqlflush", "sqlmigrate", "sqlsequencereset", "squashmigrations", "startapp",
    "startproject", "test", "testserver",
}  # fmt: skip
