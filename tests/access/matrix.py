"""Who gets what, written by hand: the expectation, never computed. What is missing here fails `test_matrix.py`.

A row's words are the answers to nobody, investor, operator, approver, compliance, auditor, administrator, and a superuser
without a role, in this order: a status, `in` (sent to sign in) or `go` (sent elsewhere, as designed).
"""

from __future__ import annotations

PEOPLE = ("nobody", "investor", "operator", "approver", "compliance", "auditor", "administrator", "superuser")

EVERYBODY = "200 200 200 200 200 200 200 200"
NOT_THERE = "404 404 404 404 404 404 404 404"
DESK_PAGE = "in  403 200 200 200 200 200 403"
DESK_API_ = "403 403 200 200 200 200 200 403"
RECORDS__ = "in  in  200 200 200 200 200 in "
NO_RECORD = "in  in  403 403 403 403 403 in "

# route of the URLconf, method, address asked, what is sent, row
URLS: tuple[tuple[str, str, str, dict[str, str], str], ...] = (
    ("", "GET", "/", {}, EVERYBODY),
    ("definitions/", "GET", "/definitions/", {}, EVERYBODY),
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
    ("desk/requests/<int:request_id>/", "GET", "/desk/requests/0/", {}, "in  403 403 404 403 403 403 403"),
    ("desk/requests/<int:request_id>/", "POST", "/desk/requests/0/", {}, "in  403 403 404 403 403 403 403"),
    ("desk/set-aside/", "GET", "/desk/set-aside/", {}, DESK_PAGE),
    ("desk/set-aside/<str:name>/", "GET", "/desk/set-aside/nothing/", {}, "in  403 404 404 404 404 404 403"),
    ("desk/set-aside/<str:name>/", "POST", "/desk/set-aside/nothing/", {}, "in  403 404 403 403 403 403 403"),
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
    ("api/v1/public/restatements/", "GET", "/api/v1/public/restatements/", {}, EVERYBODY),
    ("api/v1/public/restatements.csv", "GET", "/api/v1/public/restatements.csv", {}, EVERYBODY),
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
    ("api/v1/controls/resume-requests/", "POST", "/api/v1/controls/resume-requests/",
     {"scope": "nowhere", "reason": "a test"}, "403 403 404 403 403 403 403 403"),
    ("api/v1/controls/resume-requests/<int:request_id>/decision/", "POST", "/api/v1/controls/resume-requests/0/decision/",
     {"decision": "refuse", "reason": "a test"}, "403 403 403 404 403 403 403 403"),
    # Without a second factor nobody confirms anything.
    ("api/v1/controls/resume-requests/<int:request_id>/decision/", "POST", "/api/v1/controls/resume-requests/0/decision/",
     {"decision": "confirm", "reason": "a test"}, "403 403 403 403 403 403 403 403"),
    ("api/v1/controls/", "POST", "/api/v1/controls/",
     {"scope": "desk", "state": "ACTIVE", "reason": "a test"}, "403 403 403 403 403 403 403 403"),
    ("api/v1/^.*$", "GET", "/api/v1/nothing/", {}, NOT_THERE),
    ("api/v1/^.*$", "POST", "/api/v1/nothing/", {}, NOT_THERE),
    # the records, beside those of each table
    ("admin/login/", "GET", "/admin/login/", {}, "in  403 403 403 403 403 403 403"),
    ("admin/login/", "POST", "/admin/login/", {}, "in  403 403 403 403 403 403 403"),
    ("admin/", "GET", "/admin/", {}, RECORDS__),
    ("admin/^(?P<app_label>trading|governance|auth)/$", "GET", "/admin/trading/", {}, RECORDS__),
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
    "auth.group", "governance.apitoken", "governance.contactchoice", "governance.desklook", "governance.governancegenesis",
    "governance.handovernote", "governance.notification", "governance.notificationdelivery", "governance.personsession",
    "governance.proposal",
    "governance.proposalcomment", "governance.proposalpreview", "governance.proposaltransition", "governance.recoverycode",
    "governance.reviewpolicy", "governance.riskdirectionrow", "governance.rolegrant", "governance.securitykey",
    "governance.signinlink", "governance.stepupproof", "governance.totpdevice", "governance.user", "governance.vote",
    "trading.asset", "trading.eventprogress", "trading.fundingreport",
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
RECORD_EXCEPTIONS = {("trading.parameterset", "history"): "in  in  404 404 404 404 404 in "}

# A socket's route, and whether it tells anything (ok) or closes (no).
SOCKETS = {
    "ws/desk/": "no  no  ok  ok  ok  ok  ok  no ",
    "ws/public/": "ok  ok  ok  ok  ok  ok  ok  ok ",
    "^.*$": "no  no  no  no  no  no  no  no ",
}

# Who may run a command. "owner": refused to the application role. "machine": whoever has a shell on the machine, with what the
# database grants the application role. "machine, two people": also `--as` with password and code, for what one may not do.
OWNER, MACHINE, TWO_PEOPLE = "owner", "machine", "machine, two people"
COMMANDS = {
    "bootstrap": OWNER, "migrate": OWNER, "prepare": OWNER,
    "adjust": TWO_PEOPLE, "controls": TWO_PEOPLE,
    "approval_coverage": MACHINE, "dead_letters": MACHINE,
    "cancel_all": MACHINE, "chaos": MACHINE, "data_dictionary": MACHINE, "kill": MACHINE, "ledger": MACHINE,
    "market_data": MACHINE, "paper_table": MACHINE, "persist_state": MACHINE, "reconcile": MACHINE, "relay": MACHINE,
    "replay": MACHINE, "rollups": MACHINE, "sandbox_venue": MACHINE, "status": MACHINE, "up": MACHINE, "watchdog": MACHINE,
}  # fmt: skip
# `controls <action> --as` a member of each role.
AS_PERSON = {
    "ask": "no  no  ok  no  no  no  no  no ",
    "confirm": "no  no  no  ok  no  no  no  no ",
    "refuse": "no  no  no  ok  no  no  no  no ",
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
