"""Reports of incidents and the treasury, attacked by a superuser, an administrator, an operator and one of compliance at the
records, the desk's pages and the API."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from disclosures.documents import drafting
from disclosures.models import DisclosureDraft, DisclosureVersion
from governance.access.grants import grant_role
from governance.models import User
from governance.review.policies import write_policy
from governance.review.starting_policy import starting_policy
from governance.review.step_up import StepUp
from governance.review.voting import vote
from tests.access.visitor import undone
from tests.attacks.desk import PEOPLE
from tests.attacks.test_superuser_by_data import filled
from tests.attacks.test_superuser_by_pages import answered, browser, fresh
from tests.attacks.test_treasury_by_sql import BALANCE, BUYBACK, REWARD, T0, _real
from tests.disclosures.test_incident_reports import text
from tests.review.clock import database_time_kept, set_database_time
from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.treasury import as_owner
from trading.models import BuybackProgramme, RewardEpoch

WHO = ("root", "adam", "olga", "carl")
TREASURY = (
    "treasury_declaration", "treasury_wallets", "treasury_balances", "buyback_programmes", "buybacks", "reward_epochs",
    "reward_payouts",
)  # fmt: skip
COUNTED = (*TREASURY, "disclosure_drafts", "disclosure_versions", "disclosure_notices", "proposals", "votes")
MODELS = (
    "trading.TreasuryDeclaration", "trading.TreasuryWallet", "trading.TreasuryBalance", "trading.BuybackProgramme",
    "trading.Buyback", "trading.RewardEpoch", "trading.RewardPayout", "disclosures.DisclosureVersion",
    "disclosures.DisclosureDraft",
)  # fmt: skip
pytestmark = pytest.mark.attacks(
    "treasury_declaration.*", "treasury_wallets.*", "buyback_programmes.*", "reward_epochs.*", "disclosure_versions.*",
    "disclosure_notices.*",
)  # fmt: skip
_keys = itertools.count(1)


def _people() -> dict[str, User]:
    now = timezone.now()
    write_policy(starting_policy(), authorised_by="genesis", actor_id="g", actor_name="g", reason="genesis", now=now)
    User.objects.create(username="root", is_staff=True, is_superuser=True)
    for name, role in PEOPLE.items():
        grant_role(
            User.objects.create(username=name, is_staff=True), role, authorised_by="genesis", reason="g", now=now
        )
    return {one.username: one for one in User.objects.all()}


def _reported(people: dict[str, User]) -> dict[str, Any]:
    """A report that is published, one in review, and a draft of carl's that counsel has looked at."""
    now = timezone.now()
    began = (now - timedelta(hours=2)).isoformat()

    def draft(by: str, **more: Any) -> DisclosureDraft:
        made = drafting.start_report(people[by], began, key=uuid.uuid4().hex, now=now)
        words = {"title": {"en": "Quotes stood still", "dv": "ކޯޓު"}, "text": text()} | more
        written: dict[str, Any] = {"revision": 1, "says_the_same": True, "key": uuid.uuid4().hex, "now": now}
        return drafting.write_draft(people[by], made.pk, words, **written)

    def asked(made: DisclosureDraft) -> Any:
        return drafting.ask_to_publish(people["carl"], made.pk, "a reason", key=uuid.uuid4().hex, now=now)

    first = asked(draft("olga"))
    step_up, key = StepUp("totp", timezone.now()), uuid.uuid4().hex
    vote(people["cora"], first.pk, "approve", first.content_hash, "read", step_up, key=key, now=timezone.now())
    published, waiting = DisclosureVersion.objects.get(), asked(draft("olga"))
    work = draft("carl", counsel="X. Y")
    return {
        "report": published.kind, "draft": work.pk, "revision": work.revision, "in_review": waiting.pk,
        "content": waiting.content_hash, "waiting_draft": DisclosureDraft.objects.get(proposal=waiting).pk,
    }  # fmt: skip


def _paid() -> None:
    """A row of each kind that the application writes."""
    programme, epoch = BuybackProgramme.objects.get(slug="first"), RewardEpoch.objects.get(number=1)
    bought = {
        "programme": programme.pk,
        "at": T0,
        "outcome": "submitted",
        "reason": "",
        "bid": "0.25",
        "most": 100,
        "size": None,
        "price": None,
    }
    bought |= {"cost": None, "reference": "", "settled": None, "demo": False}
    with database_time_kept(), connection.cursor() as cursor:
        set_database_time(T0)
        cursor.execute(BALANCE, [7, T0, False])
        cursor.execute(BUYBACK, bought)
        cursor.execute(REWARD, [epoch.pk, "0:aa", 60, T0])


@pytest.fixture(scope="module")
def there(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Committed, since the treasury's rows are the owner's to write; the database is made anew afterwards."""
    with django_db_blocker.unblock():
        with as_owner():
            _real()
        _paid()
        yield _reported(_people())
        connections.close_all()
    SERVERS.clone(DATABASE_NAME)


def held() -> dict[str, str]:
    found = {}
    with connection.cursor() as cursor:
        for table in COUNTED:
            cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


@pytest.fixture
def clients(there: dict[str, Any], valkey: str) -> dict[str, Client]:
    return {name: browser(name) for name in WHO}


ADDED = {"is_demo": "on", "outcome": "executed", "amount": "1", "status": "active", "_save": "1"}
CHANGED = {
    "amount": "1",
    "most_cost": "1",
    "interval_s": "1",
    "budget": "999",
    "label": "x",
    "title": "x",
    "_save": "1",
}
DELETION = {"action": "delete_selected", "_selected_action": "{row}", "post": "yes"}
LIST = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": "{row}", "form-0-amount": "1", "_save": "1"}
# What is tried of every table, and the answer to an administrator: refused, back to the list, or the list as it is.
RECORDS: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("a new row", "add/", ADDED, "403"),
    ("a change", "{row}/change/", CHANGED, "403"),
    ("a deletion", "{row}/delete/", {"post": "yes"}, "403"),
    ("a bulk deletion", "", DELETION, "302"),
    ("an edited list", "", LIST, "200"),
)  # fmt: skip


def test_the_records_change_nothing(there: dict[str, Any], clients: dict[str, Client]) -> None:
    """A superuser without a role is sent to sign in, whatever they try."""
    wrong, before = [], held()
    for label in MODELS:
        model = apps.get_model(label)
        row = model._base_manager.first()
        assert row is not None, label
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for attack, address, data, word in RECORDS:
            for name in WHO:
                with undone(clients[name]):
                    given = {"row": str(row.pk)}
                    answer = clients[name].post(place + address.format(**given), filled(data, given))
                    is_changed = held() != before
                is_sent = answer.headers.get("Location", "").startswith("/admin/login/")
                got, wanted = ("in" if is_sent else str(answer.status_code)), "in" if name == "root" else word
                if got != wanted or is_changed:
                    wrong.append(f"{label}, {attack} by {name}: {got}, not {wanted}{' CHANGED' * is_changed}")
    assert not wrong, "\n".join(wrong)


WHY = {"reason": "because"}
VOTE = {"choice": "approve", "content_hash": "{content}", "reason": "because", "code": "{code}"}
WORDS = {
    "title_en": "Nothing happened", "title_dv": "ކޯޓު", "text_en": "x", "text_dv": "x", "revision": "{revision}",
    "incident_starts_at": "2026-03-02T09:05", "incident_ends_at": "", "review_due_on": "2027-01-01", "counsel": "Nobody",
}  # fmt: skip
NOTICE = {"action": "withdraw", "text_en": "It was wrong.", "text_dv": "ނުބައެވެ.", "reason": "because"}
# attack, address, what is sent; the answers to a superuser, an administrator, an operator who wrote, and compliance who asked.
# "=" after it: something changed, as it may.
PAGES: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("a report of the future", "/desk/disclosures/report/", {"starts_at": "2099-01-01T00:00"}, "403 422 422 422"),
    ("a report of one's own", "/desk/disclosures/report/", {"starts_at": "2026-03-02T09:00"}, "403 422 302= 302="),
    ("a version of a published report", "/desk/disclosures/new/", {"kind": "{report}"}, "403 422 302= 302="),
    ("others' draft thrown away", "/desk/disclosures/drafts/{draft}/drop/", {}, "403 422 422 302="),
    ("a draft in review thrown away", "/desk/disclosures/drafts/{waiting_draft}/drop/", {}, "403 422 422 422"),
    ("other words in review", "/desk/disclosures/drafts/{waiting_draft}/", WORDS, "403 422 422 422"),
    ("other words over others'", "/desk/disclosures/drafts/{draft}/", WORDS | {"revision": "1"}, "403 422 422 422"),
    ("a draft asked for", "/desk/disclosures/drafts/{draft}/submit/", WHY, "403 422 422 302="),
    ("a withdrawal asked for", "/desk/disclosures/{report}/1/", NOTICE, "403 422 422 302="),
    ("a report approved by who wrote or asked", "/desk/review/{in_review}/vote/", VOTE, "403 422 422 422"),
    ("a report published at once", "/desk/review/{in_review}/apply-at-once/", WHY, "403 422 422 422"),
)  # fmt: skip
PUBLISH = {"kind": "document", "change": {"action": "publish", "draft": "{draft}"}, "reason": "because"}
WITHDRAW = {
    "kind": "document", "reason": "because",
    "change": {"action": "withdraw", "kind": "{report}", "version": 1, "text": {"en": "It was wrong.", "dv": "ނުބައެވެ."}},
}  # fmt: skip
API: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("a report approved by who wrote or asked", "review/{in_review}/vote/", VOTE,
     "permission_denied no_role about_you own_proposal"),
    ("a report published at once", "review/{in_review}/apply-at-once/", {}, "permission_denied no_role no_role bad_state"),
    # Publications are asked for at their own door alone, which asks whether the draft is fit.
    ("a draft published at once", "review/", PUBLISH | {"apply_at_once": True},
     "permission_denied bad_change bad_change bad_change"),
    ("a withdrawal at once", "review/", WITHDRAW | {"apply_at_once": True}, "permission_denied no_role no_role needs_review"),
    ("a wallet of the treasury", "review/", {"kind": "treasury", "change": {"wallet": "x"}, "reason": "because"},
     "permission_denied unknown_kind unknown_kind unknown_kind"),
    ("a buyback", "review/", {"kind": "buyback", "change": {"programme": "first"}, "reason": "because"},
     "permission_denied unknown_kind unknown_kind unknown_kind"),
)  # fmt: skip
# What the public reads of the treasury and of reports: nobody writes there.
READ_ONLY = (
    "treasury/", "treasury/balances/?asset=dct", "treasury.csv", "buybacks/", "buybacks/days/", "buybacks/programmes/",
    "rewards/", "rewards/payouts/", "incidents/reports/", "disclosures/{report}/1/",
)  # fmt: skip


def test_nobody_gets_past_a_page(there: dict[str, Any], clients: dict[str, Client]) -> None:
    wrong, before = [], held()
    for attack, address, data, row in PAGES:
        for name, word in zip(WHO, row.split(), strict=True):
            with undone(clients[name]):
                given = fresh(name, there)
                posted = filled(data, given) | {"idempotency_key": f"attack-{next(_keys)}"}
                got = str(clients[name].post(address.format(**given), posted).status_code)
                got += "=" if held() != before else ""
            if got != word:
                wrong.append(f"{attack} by {name}: {got}, not {word}")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_past_the_api(there: dict[str, Any], clients: dict[str, Client]) -> None:
    wrong, before = [], held()
    for attack, address, data, row in API:
        for name, word in zip(WHO, row.split(), strict=True):
            with undone(clients[name]):
                given = fresh(name, there)
                sent = (f"/api/v1/{address.format(**given)}", filled(data, given))
                headers = {"Idempotency-Key": f"attack-{next(_keys)}"}
                got = answered(clients[name].post(*sent, content_type="application/json", headers=headers))
                got += "=" if held() != before else ""
            if got != word:
                wrong.append(f"{attack} by {name}: {got}, not {word}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("address", READ_ONLY)
def test_what_the_public_reads_nobody_writes(there: dict[str, Any], clients: dict[str, Client], address: str) -> None:
    before, place = held(), f"/api/v1/public/{address.format(**there)}"
    assert Client().get(place).status_code == 200
    for name in WHO:
        for method in ("post", "put", "patch", "delete"):
            with undone(clients[name]):
                sent = {"content_type": "application/json", "headers": {"Idempotency-Key": f"attack-{next(_keys)}"}}
                answer = getattr(clients[name], method)(place, {"amount": "1", "is_demo": True}, **sent)
                assert (answer.status_code, held() == before) == (405, True), (name, method)
