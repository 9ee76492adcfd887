"""The admin shows every table and changes none, for a superuser neither."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from governance.access.roles import Role
from tests.pages import stage
from trading.models import Market, ParameterSet
from trading.parameters.services import apply_version, current_values

MODELS = [
    model
    for label in ("trading", "governance")
    for model in apps.get_app_config(label).get_models()
    if not model.__name__.startswith("Historical")
]
GROUP = apps.get_model("auth", "Group")


@pytest.fixture
def superuser(alive: dict, client: Client) -> Client:
    now = datetime.now(UTC)
    stage.add_fills(stage.DEX, 3, now)
    stage.add_minutes(stage.DEX, 2, now)
    stage.add_day_ends(stage.DEX, ["1"], now)
    stage.sign_in(client, stage.person("root", Role.ADMINISTRATOR, is_superuser=True))
    return client


def answers(client: Client, model: type) -> dict[str, int]:
    """What the pages of that table answer to a superuser who looks, adds, changes and deletes."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    listed = client.get(reverse(f"{name}_changelist"), {"q": "x"})
    assert "delete_selected" not in listed.content.decode(), name
    add = reverse(f"{name}_add")
    got = {"list": listed.status_code, "add": client.get(add).status_code, "added": client.post(add, {}).status_code}
    row = model._default_manager.first()
    if row is None:
        return got
    change, delete = (reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", "delete"))
    got |= {
        "change": client.get(change).status_code,
        "changed": client.post(change, {"reason": "x"}).status_code,
        "delete": client.get(delete).status_code,
        "deleted": client.post(delete, {"post": "yes"}).status_code,
    }
    chosen = {"action": "delete_selected", "_selected_action": row.pk}
    assert client.post(reverse(f"{name}_changelist"), chosen).status_code in (302, 403, 200), name
    assert model._default_manager.filter(pk=row.pk).exists(), name
    return got


def test_every_table_is_listed_and_nothing_can_be_added_changed_or_deleted(superuser: Client) -> None:
    right = {
        "list": 200, "add": 403, "added": 403, "change": 200, "changed": 403, "delete": 403, "deleted": 403,
    }  # fmt: skip
    wrong, with_rows = {}, 0
    for model in (*MODELS, GROUP):
        assert model in admin.site._registry
        got = answers(superuser, model)
        with_rows += "change" in got
        if got != {page: right[page] for page in got}:
            wrong[model.__name__] = got
    assert wrong == {}
    assert with_rows > 10


def test_the_first_page_shows_the_markets(superuser: Client) -> None:
    page = superuser.get("/admin/").content.decode()
    assert "0.236464" in page
    assert "Quoting both sides" in page


def test_versions_of_parameters_show_what_changed_and_cannot_be_put_back(superuser: Client) -> None:
    market = Market.objects.get(slug=stage.DEX)
    current = ParameterSet.objects.get(market=market)
    values = current_values(current) | {"gamma": 25}
    apply_version(
        market, values, authorised_by="test", actor_id="1", actor_name="Aminath", reason="calmer", now=datetime.now(UTC)
    )
    history = superuser.get(reverse("admin:trading_parameterset_history", args=[current.pk])).content.decode()
    assert "calmer" in history
    assert "Aminath" in history
    assert "gamma: 20 → 25" in history
    first = ParameterSet.history.filter(market=market).first()
    page = reverse("admin:trading_parameterset_simple_history", args=[current.pk, first.pk])
    assert superuser.get(page).status_code == 200
    superuser.post(page, {"gamma": "1"})
    assert ParameterSet.objects.get(pk=current.pk).gamma == 25


def test_an_export_holds_the_rows_and_no_formula(superuser: Client) -> None:
    from trading.models import Fill

    picked = [str(pk) for pk in Fill.objects.values_list("pk", flat=True)]
    answer = superuser.post(
        reverse("admin:trading_fill_changelist"), {"action": "export_csv", "_selected_action": picked}
    )
    lines = answer.content.decode().splitlines()
    assert (answer.headers["Content-Type"], len(lines)) == ("text/csv; charset=utf-8", 4)
    from trading.admin.records import _cell

    assert [_cell(text) for text in ("=1+1", "-3.5", "@x", "plain", None)] == ["'=1+1", "-3.5", "'@x", "plain", ""]


def test_no_password_hash_is_shown(superuser: Client) -> None:
    from governance.models import User

    person = User.objects.get(username="root")
    page = superuser.get(reverse("admin:governance_user_change", args=[person.pk])).content.decode()
    assert person.password not in page
    assert "pbkdf2" not in page


def test_strangers_do_not_get_in(desk: None, client: Client) -> None:
    from governance.models import User

    stage.sign_in(client, User.objects.create_user("investor", password=stage.PASSWORD))
    assert client.get("/admin/").status_code == 302
    assert client.get(reverse("admin:trading_fill_changelist")).status_code == 302
