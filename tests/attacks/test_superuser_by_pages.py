"""A superuser, an administrator and the proposer themselves at the desk's pages, the API and the records, with a real code."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from governance.access.roles import Role
from governance.access.tokens import collect, issue
from governance.models import TotpDevice, User
from tests.access.visitor import undone
from tests.attacks.desk import Desk
from tests.attacks.held import DEX, governed
from tests.pages import stage

WHO = ("root", "adam", "olga")
VOTE = {"choice": "approve", "content_hash": "{content}", "reason": "because", "code": "{code}"}
WHY = {"reason": "because"}
LOOSE = {"scope": DEX, "state": "ACTIVE", "reason": "because", "code": "{code}"}

# attack, address, what is sent; then the answers to a superuser without a role, an administrator, and the proposer.
# A page that refuses shows the refusal (422, or 403 where the whole page is not theirs); the API tells its code.
PAGES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("a vote", "/desk/review/{in_review}/vote/", VOTE, "403 422 422"),
    ("a vote after the vote", "/desk/review/{waiting}/vote/", VOTE, "403 422 422"),
    ("an application at once", "/desk/review/{in_review}/apply-at-once/", WHY, "403 422 422"),
    ("another's proposal taken back", "/desk/review/{in_review}/withdraw/", WHY, "403 422 302"),
    ("another's proposal submitted", "/desk/review/{in_review}/submit/", WHY, "403 422 422"),
    ("a guardian's step", "/desk/review/{in_review}/cancel/", WHY, "403 422 422"),
    ("a review afterwards", "/desk/review/{ripe}/review/", VOTE, "403 422 422"),
    ("another time", "/desk/review/{waiting}/schedule/", {"at": "2020-01-01T00:00"}, "403 422 422"),
    ("a verb that there is not", "/desk/review/{waiting}/apply/", WHY, "403 404 404"),
    ("other content", "/desk/review/{in_review}/edit/", {"spread_floor_bps": "1"}, "403 403 200"),
    ("a pause lifted under a kill", "/desk/controls/dct-usdt-dex/", LOOSE, "403 403 200"),
)  # fmt: skip
API: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("a vote", "review/{in_review}/vote/", VOTE, "permission_denied no_role own_proposal"),
    ("a vote after the vote", "review/{waiting}/vote/", VOTE | {"content_hash": "{waiting_content}"},
     "permission_denied no_role own_proposal"),
    ("an application at once", "review/{in_review}/apply-at-once/", {}, "permission_denied no_role bad_state"),
    ("another's proposal taken back", "review/{in_review}/withdraw/", WHY, "permission_denied no_role done"),
    ("another's proposal submitted", "review/{in_review}/submit/", {}, "permission_denied no_role bad_state"),
    ("a guardian's step", "review/{in_review}/cancel/", WHY, "permission_denied no_role no_role"),
    ("a review afterwards", "review/{ripe}/reviewed/", WHY | {"code": "{code}"}, "permission_denied no_role own_proposal"),
    ("another time", "review/{waiting}/schedule/", {"at": "2020-01-01T00:00:00Z"}, "permission_denied no_role bad_time"),
    ("a proposal of one's own", "review/", {"change": {"markets": {DEX: {"spread_floor_bps": "1"}}}, "reason": "because"},
     "permission_denied no_role done"),
    ("a role for oneself at once", "review/",
     {"kind": "role_grant", "change": {"username": "adam", "role": "approver", "action": "grant"}, "reason": "because",
      "apply_at_once": True}, "permission_denied needs_review no_role"),
    ("a gate of a jurisdiction opened at once", "review/",
     {"kind": "jurisdiction", "change": {"country": "MV", "mode": "none"}, "reason": "because", "apply_at_once": True},
     "permission_denied needs_review no_role"),
    ("a finer policy of publication at once", "review/",
     {"kind": "publication", "change": {"delay_s": "0"}, "reason": "because", "apply_at_once": True},
     "permission_denied needs_review no_role"),
    ("a rollback", "review/rollback/", {"market": DEX, "version": 1, "reason": "because"},
     "permission_denied no_change no_change"),
    ("a pause lifted under a kill", "controls/", LOOSE, "permission_denied not_operator two_people"),
)  # fmt: skip
# The same with a token for programs in the roles of its person; nobody without a role has one.
TOKENS = {
    "a vote": "token token", "a vote after the vote": "token token", "a review afterwards": "token token",
    "a pause lifted under a kill": "not_operator two_people",
}  # fmt: skip
_keys = itertools.count(1)


@pytest.fixture
def there(held: dict[str, Any], desk: Desk) -> dict[str, Any]:
    """The desk, with an app for each of the three."""
    for name in WHO:
        stage.enrol(User.objects.get(username=name))
    return held


def filled(value: Any, there: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: filled(one, there) for name, one in value.items()}
    is_name = isinstance(value, str) and "{" in value
    return value.format(**there) if is_name else value


def browser(name: str) -> Client:
    return stage.sign_in(Client(), User.objects.get(username=name))


def fresh(name: str, there: dict[str, Any]) -> dict[str, Any]:
    """What is there, and a code that the person has not used."""
    person = User.objects.get(username=name)
    TotpDevice.objects.filter(person=person).delete()
    cache.clear()
    stage.enrol(person)
    return there | {"code": stage.next_code(person)}


def unequal(before: dict[str, str]) -> list[str]:
    """Governed tables that changed, but for when a code, a person or a token was last used."""
    used = ("totp_devices", "users", "api_tokens")
    return [table for table, held in governed().items() if held != before[table] and table not in used]


def test_nobody_gets_past_a_page(there: dict[str, Any]) -> None:
    clients = {name: browser(name) for name in WHO}
    wrong, before = [], governed()
    for attack, address, data, row in PAGES:
        for name, word in zip(WHO, row.split(), strict=True):
            with undone(clients[name]):
                given = fresh(name, there)
                posted = filled(data, given) | {"idempotency_key": f"attack-{next(_keys)}"}
                got = str(clients[name].post(address.format(**given), posted).status_code)
                # Their own proposal may be taken back.
                is_changed = got != "302" and unequal(before)
            if got != word or is_changed:
                wrong.append(f"{attack} by {name}: {got}, not {word}{is_changed or ''}")
    assert not wrong, "\n".join(wrong)


def answered(answer: Any) -> str:
    return "done" if answer.status_code == 200 else str(answer.json().get("code"))


def test_nobody_gets_past_the_api(there: dict[str, Any]) -> None:
    clients = {name: browser(name) for name in WHO}
    wrong, before = [], governed()
    for attack, address, data, row in API:
        for name, word in zip(WHO, row.split(), strict=True):
            with undone(clients[name]):
                given = fresh(name, there)
                headers = {"Idempotency-Key": f"attack-{next(_keys)}"}
                sent = (f"/api/v1/{address.format(**given)}", filled(data, given))
                got = answered(clients[name].post(*sent, content_type="application/json", headers=headers))
                is_changed = got != "done" and unequal(before)
            if got != word or is_changed:
                wrong.append(f"{attack} by {name}: {got}, not {word}{is_changed or ''}")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_past_the_api_with_a_token(there: dict[str, Any], desk: Desk) -> None:
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    bearer = {}
    for name, role in (("adam", Role.ADMINISTRATOR), ("olga", Role.OPERATOR)):
        person = User.objects.get(username=name)
        row = issue(person, "attack", [role.value], 5, authorised_by="genesis", now=desk.now())
        bearer[name] = collect(person, row.prefix, now=desk.now()).token
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    wrong, before = [], governed()
    for attack, address, data, row in API:
        words = TOKENS.get(attack, " ".join(row.split()[1:])).split()
        for (name, token), word in zip(bearer.items(), words, strict=True):
            client = Client()
            with undone(client):
                given = fresh(name, there)
                headers = {"Idempotency-Key": f"attack-{next(_keys)}", "Authorization": f"Bearer {token}"}
                sent = (f"/api/v1/{address.format(**given)}", filled(data, given))
                got = answered(client.post(*sent, content_type="application/json", headers=headers))
                is_changed = got != "done" and unequal(before)
            if got != word or is_changed:
                wrong.append(f"{attack} by {name}: {got}, not {word}{is_changed or ''}")
    assert not wrong, "\n".join(wrong)


# Page of the records, what is sent; the administrator's answer: the page as it is, or back to the list. A superuser without a
# role is sent to sign in.
RECORDS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("a bulk deletion", "/admin/trading/parameterset/",
     {"action": "delete_selected", "_selected_action": "{row}", "post": "yes"}, "302"),
    ("an edited list", "/admin/trading/parameterset/",
     {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": "{row}", "form-0-spread_floor_bps": "1", "_save": "1"},
     "200"),
    ("a version restored from the history", "/admin/trading/parameterset/{row}/history/{version}/",
     {"spread_floor_bps": "1", "_change_history": "1"}, "200"),
    ("a bulk deletion of votes", "/admin/governance/vote/",
     {"action": "delete_selected", "_selected_action": "1", "post": "yes"}, "302"),
    ("another password", "/admin/governance/user/{adam}/password/", {"password1": "x", "password2": "x"}, "302"),
    ("an import", "/admin/trading/parameterset/import/", {"file": "x"}, "302"),
)  # fmt: skip


def test_the_records_change_nothing(there: dict[str, Any], desk: Desk) -> None:
    row = desk.one("SELECT s.id FROM parameter_sets s JOIN markets m ON m.id = s.market_id WHERE slug = %s", [DEX])[
        "id"
    ]
    version = desk.one("SELECT history_id FROM parameter_sets_history WHERE id = %s", [row])["history_id"]
    adam, root = browser("adam"), browser("root")
    given, wrong, before = there | {"row": row, "version": version}, [], governed()
    for attack, address, data, word in RECORDS:
        with transaction.atomic():
            got = str(adam.post(address.format(**given), filled(data, given)).status_code)
            met = root.post(address.format(**given), filled(data, given))
            assert governed() == before, attack
        if got != word or not met.headers.get("Location", "").startswith("/admin/login/"):
            wrong.append(f"{attack}: {got}, not {word}; a superuser {met.status_code}")
    assert not wrong, "\n".join(wrong)
