"""Signing in: held back after too many attempts, by name and address, with a message; nothing lets anybody round it."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory

from dcmm_portal.client_address import client_address
from governance.access import attempts
from governance.access.roles import Role
from tests.pages import stage

SIGN_IN = "/accounts/sign-in/"
HELD_BACK = "Too many attempts to sign in. Try again in 10 minutes."


@pytest.fixture
def person(desk: None, settings: object) -> str:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    stage.person("operator", Role.OPERATOR, password=stage.PASSWORD)
    return "operator"


def _try(name: str, password: str, peer: str = "203.0.113.7", **headers: str) -> str:
    answer = Client().post(SIGN_IN, {"username": name, "password": password}, REMOTE_ADDR=peer, headers=headers)
    return "password taken" if answer.status_code == 302 else answer.content.decode()


def test_a_guesser_is_held_back_even_with_the_right_password(person: str) -> None:
    for _ in range(attempts.MOST_PER_NAME):
        assert "do not belong together" in _try(person, "wrong")
    assert HELD_BACK in _try(person, "wrong")
    assert HELD_BACK in _try("OPERATOR", stage.PASSWORD)
    assert HELD_BACK in _try(person, stage.PASSWORD, **{"X-Forwarded-For": "198.51.100.1"})
    # The person at another address is not locked out by the guesser.
    assert _try(person, stage.PASSWORD, "203.0.113.8") == "password taken"


def test_one_address_cannot_go_through_many_names(person: str) -> None:
    for n in range(attempts.MOST_PER_ADDRESS):
        _try(f"name{n}", "wrong")
    assert HELD_BACK in _try("another", "wrong")


def test_a_success_starts_anew(person: str) -> None:
    for _ in range(3):
        for _ in range(attempts.MOST_PER_NAME - 1):
            _try(person, "wrong")
        assert _try(person, stage.PASSWORD) == "password taken"


def test_counters_end_by_themselves(person: str, valkey: str) -> None:
    from trading.hot_state.connection import sync_client

    _try(person, "wrong")
    kept = list(sync_client().scan_iter("dcmm:sign_in:*"))
    assert len(kept) == 2
    assert all(0 < sync_client().ttl(key) <= attempts.WINDOW_S for key in kept)
    assert not any(b"operator" in key for key in kept)


def test_without_redis_nobody_signs_in_and_is_told(person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    nowhere = redis.Redis(port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(attempts, "sync_client", lambda: nowhere)
    assert "Signing in is not possible right now" in _try(person, stage.PASSWORD)


def test_the_records_have_no_door_of_their_own(person: str, client: Client) -> None:
    answer = client.get("/admin/login/?next=/admin/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/sign-in/?next=%2Fadmin%2F")
    assert client.post("/admin/login/", {"username": person, "password": stage.PASSWORD}).status_code == 302
    assert "_auth_user_id" not in client.session
    investor = stage.User.objects.create_user("investor")
    stage.sign_in(client, investor)
    assert client.get("/admin/login/").status_code == 403


@pytest.mark.parametrize(
    ("proxies", "told", "expected"),
    [(0, "1.1.1.1", "9.9.9.9"), (1, "1.1.1.1, 2.2.2.2", "2.2.2.2"), (2, "1.1.1.1, 2.2.2.2", "1.1.1.1"), (1, "", "9.9.9.9"),
     (3, "1.1.1.1", "1.1.1.1")],
)  # fmt: skip
def test_only_trusted_proxies_are_believed(settings: object, proxies: int, told: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="9.9.9.9", headers={"X-Forwarded-For": told})
    assert client_address(request) == expected
