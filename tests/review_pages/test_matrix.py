"""The matrix of review walked as every role and as nobody, and none of its addresses left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLResolver, get_resolver

from governance.access.roles import Role
from tests.pages import stage
from tests.review_pages.matrix import PEOPLE, URLS
from trading.registry.services import declare_demo_desk

_keys = itertools.count(1)


def client_of(who: str) -> Client:
    if who == "nobody":
        return Client()
    is_superuser = who == "superuser"
    person = stage.person(who, *(() if is_superuser else (Role(who),)), is_superuser=is_superuser)
    return stage.sign_in(Client(), person)


def told(client: Client, method: str, address: str, data: dict[str, str]) -> str:
    headers = {"Idempotency-Key": f"matrix-{next(_keys)}"}
    more = {"content_type": "application/json", "headers": headers} if address.startswith("/api/") else {}
    answer = getattr(client, method.lower())(address, data, **(more if method != "GET" else {}))
    if answer.status_code != 302:
        return str(answer.status_code)
    return "in" if answer.headers["Location"].startswith("/accounts/sign-in/") else "go"


@pytest.mark.parametrize("who", PEOPLE)
def test_the_matrix_holds(db: None, redis_url: str, who: str) -> None:
    cache.clear()
    declare_demo_desk(datetime.now(UTC))
    client, column = client_of(who), PEOPLE.index(who)
    expected, actual = {}, {}
    for _route, method, address, data, row in URLS:
        cache.clear()
        expected[method, address] = row.split()[column]
        actual[method, address] = told(client, method, address, data)
    assert actual == expected


def test_no_address_of_review_is_left_out() -> None:
    def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
        for one in resolver.url_patterns:
            route = before + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from routes(one, route)
            else:
                yield route

    ours = ("desk/review/", "desk/widen/", "desk/note/", "desk/notifications/", "desk/looked/", "api/v1/review/")
    assert {route for route in routes(get_resolver()) if route.startswith(ours)} == {row[0] for row in URLS}
