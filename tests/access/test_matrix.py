"""The matrix of access walked over the real URLconf, API, records, sockets and commands, as every role and as nobody."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib import admin
from django.core.cache import cache
from django.core.management import CommandError, call_command, get_commands
from django.urls import URLResolver, get_resolver

from governance.access.roles import STAFF_ROLES, Role
from tests.access import matrix
from tests.access.visitor import person_of, signed_in, told
from tests.controls.green import green
from tests.pages import stage
from tests.pages.socket import Socket
from tests.pages.test_live import ORIGIN, fresh_threads
from trading.registry.services import declare_demo_desk

__all__ = ["fresh_threads"]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes() -> Iterator[tuple[str, Any]]:
    def walk(resolver: Any, before: str = "") -> Iterator[tuple[str, Any]]:
        for one in resolver.url_patterns:
            route = before + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one, route)
            else:
                yield route, one

    return walk(get_resolver())


def record_routes() -> set[str]:
    """Routes under a table of the records."""
    return {
        route for route, _ in routes()
        if any(route.startswith(f"admin/{name.replace('.', '/')}/") for name in matrix.RECORDS)
    }  # fmt: skip


def word(row: str, who: str) -> str:
    words = row.split()
    assert len(words) == len(matrix.PEOPLE), row
    return words[matrix.PEOPLE.index(who)]


def test_every_address_is_in_the_table_and_none_that_is_not_there() -> None:
    there = {route for route, _ in routes()} - record_routes()
    assert there == {route for route, *_ in matrix.URLS}


def test_every_method_of_the_api_is_in_the_table() -> None:
    there = set()
    for route, one in routes():
        if route.startswith("api/") and hasattr(one.callback, "cls"):
            handled = {method for method in METHODS if hasattr(one.callback.cls, method.lower())}
            there |= {(route, method) for method in handled}
    listed = {(route, method) for route, method, *_ in matrix.URLS if route.startswith("api/")}
    assert there <= listed


def test_every_table_of_the_records_is_in_the_list() -> None:
    assert sorted(model._meta.label_lower for model in admin.site._registry) == sorted(matrix.RECORDS)
    pages = {"changelist", "add", "change", "delete", "history", "simple_history"}
    for route, one in routes():
        if route in record_routes() and one.name is not None:
            assert one.name.split("_", 2)[2] in pages, one.name


def cells(who: str) -> Iterator[tuple[str, str, dict[str, str], tuple[str, ...]]]:
    """Every door: method, address, what is sent, and the answers that are right."""
    for _route, method, address, data, row in matrix.URLS:
        yield method, address, data, (word(row, who),)
    for name in matrix.RECORDS:
        for page, method, tail, row in matrix.RECORD_PAGES:
            row = matrix.RECORD_EXCEPTIONS.get((name, page), row)
            yield method, f"/admin/{name.replace('.', '/')}/{tail}", {}, (word(row, who),)
    # A method that is not in the table does nothing: refused before anybody is asked who they are, so few have to try.
    if who not in ("nobody", "operator", "administrator"):
        return
    listed = {(address.split("?")[0], method) for _, method, address, *_ in matrix.URLS}
    for address, method in itertools.product(sorted({address for address, _ in listed}), METHODS):
        if (address, method) not in listed and address not in ("/accounts/sign-out/", "/admin/logout/"):
            # A page of the records that only reads answers every method as it answers a GET.
            reads = ("200",) if address.startswith("/admin/") and who in STAFF_ROLES else ()
            yield method, address, {}, ("403", "404", "405", "in", "go", *reads)


@pytest.mark.parametrize("who", matrix.PEOPLE)
def test_every_door_answers_as_the_table_says(alive: dict, who: str) -> None:
    client, wrong = signed_in(who), []
    for method, address, data, right in cells(who):
        got = told(client, method, address, data)
        if got not in right:
            wrong.append(f"{method} {address} {data}: {got}, not {' or '.join(right)}")
    assert wrong == []


async def test_sockets_tell_whom_the_table_says(committed_db: None, fresh_threads: None, valkey: str) -> None:
    from dcmm_portal.asgi import application
    from dcmm_portal.sockets import websocket_urlpatterns

    assert {str(one.pattern) for one in websocket_urlpatterns} == set(matrix.SOCKETS)
    await sync_to_async(declare_demo_desk)(datetime.now(UTC))
    for who in matrix.PEOPLE:
        client = await sync_to_async(signed_in)(who)
        cookie = client.cookies.get("sessionid")
        headers = [*ORIGIN, *([(b"cookie", f"sessionid={cookie.value}".encode())] if cookie else [])]
        for route, row in matrix.SOCKETS.items():
            socket = Socket(application, f"/{route}" if route.endswith("/") else "/ws/nothing/", headers)
            accepted = await socket.connect()
            first = await socket.receive_output(5) if accepted else {"type": "websocket.close"}
            got = "ok" if first["type"] == "websocket.send" else "no"
            assert got == word(row, who), (who, route)
            await socket.disconnect()


def test_every_command_is_in_the_table() -> None:
    ours = {"trading", "governance", "disclosures", "dcmm_portal"}
    there = {name for name, app in get_commands().items() if app in ours}
    assert there == set(matrix.COMMANDS)
    assert {name for name, app in get_commands().items() if app not in ours} == matrix.LIBRARY_COMMANDS


@pytest.mark.parametrize("name", [name for name, who in matrix.COMMANDS.items() if who == matrix.OWNER])
def test_commands_of_the_owner_are_refused_to_the_application(db: None, name: str) -> None:
    options = {"demo": True} if name == "bootstrap" else {}
    with pytest.raises(CommandError, match="owner"):
        call_command(name, **options)


@pytest.mark.parametrize("who", matrix.PEOPLE)
@pytest.mark.parametrize("action", matrix.AT_SHELL)
def test_what_a_person_does_at_a_shell(
    desk: None, quick_passwords: None, monkeypatch: pytest.MonkeyPatch, who: str, action: str
) -> None:
    call_command("controls", "reduce", stage.DEX, reason="look at it", stdout=io.StringIO())
    person, code = person_of(who), "000000"
    if person is not None:
        person.set_password(stage.PASSWORD)
        person.save()
        code = stage.next_code(stage.enrol(person))
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{stage.PASSWORD}\n{code}\n"))
    name = person.username if person else ""
    green(datetime.now(UTC))
    try:
        call_command("controls", action, stage.DEX, username=name, reason="agreed", stdout=io.StringIO())
    except CommandError:
        got = "no"
    else:
        got = "ok"
    assert got == word(matrix.AT_SHELL[action], who)


def test_the_table_has_every_role() -> None:
    cache.clear()
    assert set(matrix.PEOPLE) == {"nobody", "superuser", *(role.value for role in Role)}
    assert set(matrix.PEOPLE[2:7]) == {role.value for role in STAFF_ROLES}
