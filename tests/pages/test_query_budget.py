"""Every page keeps to its committed number of queries, whatever the number of its rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from governance.access.roles import Role
from tests.pages import stage
from tests.support.query_budget import BudgetExceeded, budgets, counted, get_within_budget, judge, query_count

PUBLIC = {
    "public:live": "/",
    "public:definitions": "/definitions/",
    "public:markets": "/markets/",
    "public:market": f"/markets/{stage.DEX}/?range=24h",
    "public:chart": f"/markets/{stage.DEX}/inventory/?range=24h",
    "public:changes": "/changes/",
    "public:incidents": "/incidents/",
    "public:restatements": "/restatements/",
    "public:reports": "/reports/",
    "public:jurisdictions": "/jurisdictions/",
    "sign-in": "/accounts/sign-in/",
}
# The budget of a list that has none of its own yet.
ANY_LIST = "admin:changelist"
LISTS = sorted(
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    for label in ("trading", "governance", "disclosures", "auth")
    for model in apps.get_app_config(label).get_models()
    if model in admin.site._registry
)


@pytest.fixture
def administrator(alive: dict, client: Client) -> Client:
    now = datetime.now(UTC)
    for slug in (stage.DEX, stage.CEX):
        stage.add_fills(slug, 5, now)
        stage.add_minutes(slug, 5, now)
        stage.add_day_ends(slug, ["1"], now)
    stage.sign_in(client, stage.person("root", Role.ADMINISTRATOR, is_superuser=True))
    return client


@pytest.mark.parametrize("page", sorted(PUBLIC))
def test_public_pages(alive: dict, client: Client, page: str) -> None:
    get_within_budget(client, page, PUBLIC[page])


def test_the_desk(alive: dict, operator: Client) -> None:
    get_within_budget(operator, "desk", "/desk/")


def test_the_first_page_of_the_records(administrator: Client) -> None:
    get_within_budget(administrator, "admin:index", reverse("admin:index"))


def test_lists_of_records(administrator: Client) -> None:
    wrong = []
    for page in LISTS:
        try:
            get_within_budget(administrator, page, reverse(page), otherwise=ANY_LIST)
        except AssertionError as problem:
            wrong.append(str(problem))
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", ["fill", "marketminute", "mmstate"])
def test_more_rows_make_no_more_queries(administrator: Client, name: str) -> None:
    address = reverse(f"admin:trading_{name}_changelist")
    few = query_count(administrator, address)
    model = apps.get_model("trading", name)
    rows, moment = list(model.objects.all()), datetime(2025, 1, 1, tzinfo=UTC)
    for number in range(60):
        row = rows[number % len(rows)]
        row.pk, row._state.adding = None, True
        for field in ("minute", "at"):
            if hasattr(row, field):
                setattr(row, field, moment + timedelta(minutes=number))
        row.trade_id = f"more-{number}"
        row.save(force_insert=True)
    assert model.objects.count() > 60
    assert query_count(administrator, address) == few > 0


def test_no_budget_is_of_a_page_that_does_not_exist() -> None:
    known = {*PUBLIC, "desk", "admin:index", *LISTS}
    # Pages of other tests are named by their room: "review:inbox".
    assert {page for page in budgets() if not page.startswith("review:")} <= known | {ANY_LIST}


def test_a_page_beyond_or_far_below_its_budget_fails() -> None:
    made = ["SELECT 1", "SELECT 1", "SELECT 2"]
    judge("p", made, {"p": 3})
    judge("p", made, {"p": 5})
    judge("p", made, {"many": 30}, "many")
    with pytest.raises(BudgetExceeded):
        judge("p", made, {"many": 2}, "many")
    for allowed in ({"p": 2}, {"p": 6}, {}):
        with pytest.raises(BudgetExceeded, match=r"p makes 3 queries(.|\n)*2 × SELECT 1"):
            judge("p", made, allowed)


def test_savepoints_do_not_count() -> None:
    assert counted([{"sql": 'SAVEPOINT "s1"'}, {"sql": "SELECT 1"}, {"sql": 'RELEASE SAVEPOINT "s1"'}]) == ["SELECT 1"]
