"""Forms of every kind: who gets which, what they judge, what they save, and what they never show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.desk.review.fields import RESERVED
from governance.desk.review.kind_forms import FORMS
from governance.models import Proposal, ReviewPolicy, User
from governance.review.starting_policy import starting_policy
from tests.review.desk import DEX, ONE_OF_EACH, Desk, in_force, key, refused, state
from trading.models import Market

# What a person's menu offers, written by hand.
MENUS = {
    "opal": ("/desk/review/new/", "/desk/review/new/limits/", "/desk/review/new/registry/"),
    "ada": (
        "/desk/review/new/policy/", "/desk/review/new/role_grant/", "/desk/review/new/credentials/", "/desk/review/new/token/",
        "/desk/review/new/account/", "/desk/review/new/publication/", "/desk/review/new/jurisdiction/",
    ),
    "gus": ("/desk/review/new/publication/", "/desk/review/new/jurisdiction/"),
    "anna": (), "audrey": (),
}  # fmt: skip
# What is typed, and the change that it makes.
TYPED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "role_grant": (
        {"username": "audrey", "role": "approver", "do": "grant"},
        {"username": "audrey", "role": "approver", "action": "grant"},
    ),
    "credentials": ({"username": "cara", "what": "second_factor"}, {"username": "cara", "what": "second_factor"}),
    "token": (
        {"username": "audrey", "name": " export ", "roles": ["auditor"], "days": "30"},
        {"username": "audrey", "name": "export", "roles": ["auditor"], "days": "30"},
    ),
    "account": ({"username": "anna"}, {"username": "anna", "action": "close"}),
}


def rules(**changes: Any) -> dict[str, Any]:
    """The policy's form as a browser sends it, every field written by hand."""
    body: dict[str, Any] = {
        "classes.reducing.valid_s": "86400", "classes.reducing.review_within_s": "86400", "small_change": "0.05",
        "drift_window_s": "604800", "guardian_role": "compliance", "preview_valid_s": "1800", "in_review_valid_s": "1209600",
    }  # fmt: skip
    for name, quorum, timelock, valid in (
        ("classes.neutral", "1", "0", "259200"), ("classes.increasing", "2", "3600", "86400"),
        ("classes.strictest", "2", "3600", "86400"), ("kinds.control", "1", "0", "1800"),
        ("kinds.control_kill", "1", "0", "1800"), ("kinds.document", "1", "0", "2592000"),
    ):  # fmt: skip
        body |= {
            f"{name}.quorum": quorum, f"{name}.timelock_s": timelock, f"{name}.valid_s": valid,
            f"{name}.roles": ["compliance" if name == "kinds.document" else "approver"],
        }  # fmt: skip
    return body | changes


def sending(door: Callable, who: str, kind: str, how: str, /, **typed: Any) -> Any:
    data = {"idempotency_key": key(), "reason": "as agreed", "action": how} | typed
    return door(who).post(f"/desk/review/new/{kind}/", data)


@pytest.mark.parametrize("name", MENUS)
def test_the_menu_offers_what_the_roles_may_propose(desk: Desk, door: Callable, name: str) -> None:
    page = door(name).get("/desk/review/").content.decode()
    every = {address for addresses in MENUS.values() for address in addresses}
    assert {address for address in every if f'href="{address}"' in page} == set(MENUS[name])


@pytest.mark.parametrize("kind", TYPED)
def test_judged_then_saved_then_edited(desk: Desk, door: Callable, kind: str) -> None:
    typed, change = TYPED[kind]
    judged = sending(door, "ada", kind, "check", **typed)
    assert (judged.status_code, "What it would be" in judged.content.decode()) == (200, True)
    assert not Proposal.objects.exists()
    saved = sending(door, "ada", kind, "save", **typed)
    draft = Proposal.objects.get()
    assert (draft.kind, draft.change, draft.state) == (kind, change, "DRAFT")
    assert saved.headers["Location"] == f"/desk/review/{draft.pk}/"
    ada = door("ada")
    assert f"/desk/review/{draft.pk}/edit/" in ada.get(f"/desk/review/{draft.pk}/").content.decode()
    form = ada.get(f"/desk/review/{draft.pk}/edit/").content.decode()
    assert f'<option value="{change["username"]}" selected>' in form
    other = typed | {"username": "ben" if kind == "account" else "cara", "roles": ["approver"], "role": "auditor"}
    data = other | {"idempotency_key": key(), "reason": "somebody else", "action": "save"}
    assert ada.post(f"/desk/review/{draft.pk}/edit/", data).status_code == 302
    draft.refresh_from_db()
    assert (draft.change["username"], draft.revision) == (other["username"], 2)


def test_what_cannot_be_is_named_and_kept(desk: Desk, door: Callable) -> None:
    wrong: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("role_grant", {"username": "", "role": "approver", "do": "grant"}, "invalid"),
        ("role_grant", {"username": "anna", "role": "superuser", "do": "grant"}, "invalid"),
        ("role_grant", {"username": "anna", "role": "approver", "do": "grant"}, "no_change"),
        ("credentials", {"username": "anna", "what": "password"}, "no_address"),
        ("credentials", {"username": "anna", "what": "everything"}, "invalid"),
        ("token", {"username": "audrey", "name": "", "roles": ["auditor"], "days": "30"}, "invalid"),
        ("token", {"username": "audrey", "name": "x", "roles": [], "days": "30"}, "invalid"),
        ("token", {"username": "audrey", "name": "x", "roles": ["auditor"], "days": "367"}, "invalid"),
        ("token", {"username": "audrey", "name": "x", "roles": ["auditor"], "days": "NaN"}, "invalid"),
        ("token", {"username": "audrey", "name": "x", "roles": ["approver"], "days": "30"}, "not_held"),
        ("account", {"username": "ada"}, "invalid"),
        ("account", {"username": "gus"}, "last_one"),
        ("account", {}, "invalid"),
    )
    for kind, typed, code in wrong:
        for action in ("check", "save", "apply_at_once"):
            answer = sending(door, "ada", kind, action, **typed)
            assert (answer.status_code, f"<code>{code}</code>" in answer.content.decode()) == (422, True), (kind, typed)
    assert not Proposal.objects.exists()
    page = sending(door, "ada", "token", "save", username="audrey", name="mine", roles=["auditor"], days="0")
    for words in ("From 1 to 366.", 'value="mine"', '<option value="audrey" selected>', 'value="auditor" checked'):
        assert words in page.content.decode()


def test_a_role_is_taken_away_on_the_drafts_page_with_a_code(
    desk: Desk, door: Callable, send: Callable, code_of: Callable
) -> None:
    typed = {"username": "cara", "role": "approver", "do": "revoke"}
    assert "Apply at once" not in sending(door, "ada", "role_grant", "check", **typed).content.decode()
    assert "<code>step_up</code>" in sending(door, "ada", "role_grant", "apply_at_once", **typed).content.decode()
    sending(door, "ada", "role_grant", "save", **typed)
    draft = Proposal.objects.get()
    assert "<code>missing</code>" in send("ada", f"{draft.pk}/apply-at-once/").content.decode()
    assert User.objects.filter(username="cara", groups__name="approver").exists()
    done = send("ada", f"{draft.pk}/apply-at-once/", code=code_of("ada"))
    assert (done.status_code, state(draft)) == (200, "APPLIED")
    assert not User.objects.filter(username="cara", groups__name="approver").exists()
    give = sending(door, "ada", "role_grant", "apply_at_once", **typed | {"do": "grant"})
    assert "<code>needs_review</code>" in give.content.decode()


def test_an_account_is_closed_on_its_page_with_a_code(
    desk: Desk, door: Callable, send: Callable, code_of: Callable
) -> None:
    assert "Apply at once" not in sending(door, "ada", "account", "check", username="anna").content.decode()
    assert "<code>step_up</code>" in sending(door, "ada", "account", "apply_at_once", username="anna").content.decode()
    sending(door, "ada", "account", "save", username="anna")
    draft = Proposal.objects.get()
    page = door("ada").get(f"/desk/review/{draft.pk}/").content.decode()
    assert ('name="code"' in page, "js/security_key.js" in page) == (True, True)
    assert "<code>missing</code>" in send("ada", f"{draft.pk}/apply-at-once/").content.decode()
    assert "<code>refused</code>" in send("ada", f"{draft.pk}/apply-at-once/", code="000000").content.decode()
    assert User.objects.get(username="anna").is_active
    done = send("ada", f"{draft.pk}/apply-at-once/", code=code_of("ada"))
    assert (done.status_code, state(draft)) == (200, "APPLIED")
    assert not User.objects.get(username="anna").is_active


def limits(**changes: str) -> dict[str, str]:
    """The form of limits as a browser sends it, every field written by hand: what the demonstration has in force."""
    names = {f"asset:{one}": ("none", "none") for one in ("dct", "eth", "gram", "usdt")}
    names |= {
        "asset:dct": ("40000", "50000"),
        "asset:gram": ("4000", "5000"),
        "asset:eth": ("4", "5"),
        "desk:usdt": ("18000", "25000"),
    }
    both = {part: {f"{part}.soft_limit": soft, f"{part}.hard_limit": hard} for part, (soft, hard) in names.items()}
    return {name: text for part in both.values() for name, text in part.items()} | changes


def test_limits_show_what_is_in_force_and_change_only_what_differs(desk: Desk, door: Callable) -> None:
    page = door("opal").get("/desk/review/new/limits/").content.decode()
    for words in ('name="asset:dct.hard_limit" value="50000"', "<small>DCT</small>", '<bdi dir="ltr">18000</bdi>',
                  "DCT on all markets", "The whole desk, in USDT", "none</bdi>"):  # fmt: skip
        assert words in page, words
    assert "<code>no_change</code>" in sending(door, "opal", "limits", "save", **limits()).content.decode()
    wrong: tuple[tuple[dict[str, str], str], ...] = (
        ({"asset:dct.hard_limit": "NaN"}, "invalid"), ({"asset:dct.hard_limit": ""}, "invalid"),
        ({"asset:dct.hard_limit": "lots"}, "invalid"), ({"asset:dct.hard_limit": "-1"}, "invalid"),
        ({"asset:dct.hard_limit": "5e4"}, "no_change"), ({"asset:dct.hard_limit": "6e4"}, "invalid"),
        ({"asset:dct.hard_limit": "none"}, "invalid"), ({"asset:dct.hard_limit": "39999"}, "invalid"),
        ({"desk:usdt.hard_limit": "1000000000001"}, "invalid"),
    )  # fmt: skip
    for changes, code in wrong:
        for action in ("check", "save", "apply_at_once"):
            answer = sending(door, "opal", "limits", action, **limits(**changes))
            assert (answer.status_code, f"<code>{code}</code>" in answer.content.decode()) == (422, True), changes
    assert not Proposal.objects.exists()
    wider = limits(**{"asset:dct.hard_limit": "60000", "desk:usdt.soft_limit": "18000.0"})
    assert "riskier" in sending(door, "opal", "limits", "check", **wider).content.decode()
    assert sending(door, "opal", "limits", "save", **wider).status_code == 302
    draft = Proposal.objects.get()
    assert draft.change == {"limits": {"asset:dct": {"hard_limit": "60000"}}}
    form = door("opal").get(f"/desk/review/{draft.pk}/edit/").content.decode()
    assert 'name="asset:dct.hard_limit" value="60000"' in form and 'name="asset:dct.soft_limit" value="40000"' in form
    none = limits(**{"desk:usdt.soft_limit": "none", "desk:usdt.hard_limit": "none"})
    sent = none | {"idempotency_key": key(), "reason": "other limit", "action": "save"}
    assert door("opal").post(f"/desk/review/{draft.pk}/edit/", sent).status_code == 302
    draft.refresh_from_db()
    assert draft.change == {"limits": {"desk:usdt": {"hard_limit": "none", "soft_limit": "none"}}}
    lower = sending(door, "opal", "limits", "apply_at_once", **limits(**{"asset:dct.soft_limit": "30000"}))
    assert (lower.status_code, Proposal.objects.latest("pk").state) == (302, "APPLIED")


def test_the_registry_one_word_at_a_time(desk: Desk, door: Callable) -> None:
    page = door("opal").get("/desk/review/new/registry/").content.decode()
    for words in ('value="market:dct-usdt-dex.is_active=false"', "switch dct-usdt-dex off (now on)", 'href="/api/v1/schema/"',
                  "switch eth-usdt-perp on (now off)", '<optgroup label="Change a label">', "by the API",
                  "market:gram-usdt-cex: symbol on the venue (now: GRAM-USDT)"):  # fmt: skip
        assert words in page, words
    wrong: tuple[tuple[dict[str, str], str], ...] = (
        ({}, "invalid"), ({"what": "market:new-one.is_active=true"}, "invalid"), ({"what": "asset:dct.version"}, "invalid"),
        ({"what": "market:dct-usdt-dex.is_active=true"}, "invalid"), ({"what": "asset:dct.name"}, "invalid"),
        ({"what": "market:dct-usdt-dex.is_active=false", "value": "true"}, "invalid"),
        ({"what": "asset:dct.name", "value": "x" * 121}, "invalid"), ({"what": "asset:dct.name", "value": "x" * 81}, "invalid"),
        ({"what": "asset:dct.decimals", "value": "9.5"}, "invalid"),
        ({"what": "asset:dct.name", "value": "Dynamic Capital Token"}, "no_change"),
    )  # fmt: skip
    for typed, code in wrong:
        for action in ("check", "save", "apply_at_once"):
            answer = sending(door, "opal", "registry", action, **typed)
            assert (answer.status_code, f"<code>{code}</code>" in answer.content.decode()) == (422, True), typed
    assert not Proposal.objects.exists()
    symbol = {"what": "market:gram-usdt-cex.venue_symbol", "value": "TON-USDT"}
    assert "moves" in sending(door, "opal", "registry", "check", **symbol).content.decode()
    assert sending(door, "opal", "registry", "save", **symbol).status_code == 302
    draft = Proposal.objects.get()
    assert (draft.change, draft.risk_class) == (
        {"registry": {"market:gram-usdt-cex": {"venue_symbol": "TON-USDT"}}}, "strictest"
    )  # fmt: skip
    form = door("opal").get(f"/desk/review/{draft.pk}/edit/").content.decode()
    assert '<option value="market:gram-usdt-cex.venue_symbol" selected>' in form and 'value="TON-USDT"' in form
    off = sending(door, "opal", "registry", "apply_at_once", what="market:gram-usdt-cex.is_active=false")
    assert (off.status_code, Proposal.objects.latest("pk").state) == (302, "APPLIED")
    assert not Market.objects.get(slug="gram-usdt-cex").is_active
    gates = "market:dct-usdt-dex: gates it demands (now: —)"
    assert gates in page and "Gates are known by name: disclosures." in page
    for unknown in ("live", "disclosures,"):
        answer = sending(door, "opal", "registry", "save", what="market:dct-usdt-dex.demanded_gates", value=unknown)
        assert (answer.status_code, "<code>invalid</code>" in answer.content.decode()) == (422, True)
    demand = {"what": "market:dct-usdt-dex.demanded_gates", "value": "disclosures"}
    assert sending(door, "opal", "registry", "apply_at_once", **demand).status_code == 302
    assert Market.objects.get(slug="dct-usdt-dex").demanded_gates == "disclosures"
    on = sending(door, "opal", "registry", "apply_at_once", what="market:gram-usdt-cex.is_active=true")
    assert "<code>needs_review</code>" in on.content.decode()


def test_what_the_form_cannot_say_is_not_lost_by_editing_it(desk: Desk, door: Callable) -> None:
    two = {"registry": {"asset:dct": {"name": "Dynamic", "decimals": "8"}}}
    for kind, change in (
        ("registry", two),
        ("limits", {"limits": {"desk:dct": {"soft_limit": "1", "hard_limit": "2"}}}),
    ):
        draft = desk.propose(change, kind=kind)
        for answer in (
            door("opal").get(f"/desk/review/{draft.pk}/edit/"),
            door("opal").post(f"/desk/review/{draft.pk}/edit/", {"idempotency_key": key(), "action": "save"}),
        ):
            assert "<code>no_form</code>" in answer.content.decode()
        draft.refresh_from_db()
        assert (draft.change, draft.revision) == (change, 1)


def test_every_rule_of_the_policy_has_its_field_with_what_is_in_force(desk: Desk, door: Callable) -> None:
    page = door("ada").get("/desk/review/new/policy/").content.decode()
    for name in rules():
        assert f'name="{name}"' in page, name
    for words in (
        "Approvals by other people",
        "2 – 9",
        "60 – 2592000",
        "(1:00:00)",
        "0 – 0.25",
        "demands_security_key",
    ):
        assert words in page
    assert "<code>no_change</code>" in sending(door, "ada", "policy", "save", **rules()).content.decode()
    easier = sending(
        door, "ada", "policy", "save", **rules(**{"classes.increasing.quorum": "1", "preview_valid_s": "x"})
    )
    assert easier.status_code == 422
    assert easier.content.decode().count('aria-invalid="true"') == 2
    crossed = sending(door, "ada", "policy", "save", **rules(**{"classes.increasing.quorum": "3"}))
    assert "the strictest class must ask for no less" in crossed.content.decode()
    assert not Proposal.objects.exists()
    both = {f"classes.{name}.demands_security_key": "yes" for name in ("increasing", "strictest")}
    changed = rules(small_change="0.02", **{"classes.neutral.quorum": "2"}, **both)
    assert sending(door, "ada", "policy", "save", **changed).status_code == 302
    body = starting_policy()
    body["small_change"], body["classes"]["neutral"]["quorum"] = 0.02, 2
    for name in ("increasing", "strictest"):
        body["classes"][name]["demands_security_key"] = True
    draft = Proposal.objects.get()
    assert draft.change == {"body": body}
    form = door("ada").get(f"/desk/review/{draft.pk}/edit/").content.decode()
    assert 'name="small_change" value="0.02"' in form
    assert form.count('value="yes" checked') == 2


def test_without_rules_there_is_no_form_of_rules(desk: Desk, door: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("governance.review.policies.ReviewPolicy", ReviewPolicy.objects.none().model)
    monkeypatch.setattr(ReviewPolicy, "objects", ReviewPolicy.objects.none())
    assert "<code>no_policy</code>" in door("ada").get("/desk/review/new/policy/").content.decode()


def test_an_unknown_kind_and_one_without_a_form(desk: Desk, door: Callable) -> None:
    for kind in ("everything", "control", "parameters-x"):
        answer = door("ada").get(f"/desk/review/new/{kind}/")
        assert (answer.status_code, "<code>unknown_kind</code>" in answer.content.decode()) == (404, True)
    assert door("opal").get("/desk/review/new/parameters/").headers["Location"] == "/desk/review/new/"


def test_people_are_offered_by_name_and_role_and_nothing_else(desk: Desk, door: Callable) -> None:
    User.objects.filter(username="cara").update(
        email="cara@secret.example", first_name="Cara", last_name="Ali", password="argon2$secret", is_active=False
    )
    for kind in ("role_grant", "credentials", "token", "account"):
        page = door("ada").get(f"/desk/review/new/{kind}/").content.decode()
        assert "anna: approver" in page
        assert ("Cara Ali (cara): approver, closed" in page) is (kind in ("role_grant", "credentials"))
        assert ('value="ada"' in page) is (kind != "account")
        for hidden in ("secret", "investor", "ivy", "@"):
            assert hidden not in page.split("<form method")[1], (kind, hidden)


def test_the_same_form_sent_twice_is_one_proposal(desk: Desk, door: Callable) -> None:
    typed = TYPED["credentials"][0] | {"idempotency_key": "one", "reason": "lost phone", "action": "save"}
    answers = [door("ada").post("/desk/review/new/credentials/", typed).headers["Location"] for _ in range(2)]
    assert (answers[0] == answers[1], Proposal.objects.count()) == (True, 1)


def test_no_field_has_a_name_that_every_form_has(desk: Desk) -> None:
    for name, form in FORMS.items():
        names = [spec.name for spec in form.fields(desk.people["ada"])]
        assert (len(set(names)), RESERVED & set(names)) == (len(names), frozenset()), name


def test_only_the_proposer_edits(desk: Desk, door: Callable) -> None:
    draft = desk.propose(ONE_OF_EACH["credentials"], "ada", "credentials")
    data = {"username": "cara", "what": "open", "reason": "mine now", "action": "save", "idempotency_key": key()}
    assert door("opal").post(f"/desk/review/{draft.pk}/edit/", data).status_code == 403
    refused("not_yours", desk.edit, desk.propose(), {"markets": {DEX: {"spread_floor_bps": "3"}}}, "oscar")
    assert in_force(DEX, "spread_floor_bps") == "5"
