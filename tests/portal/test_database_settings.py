"""The database's address and its pooler, as the environment gives them."""

from __future__ import annotations

import pytest

from dcmm_portal.settings.database import BadDatabaseSetting, checked_pooler, database_from_url


def test_an_address_with_proof_of_the_server() -> None:
    made = database_from_url("postgresql://dcmm_app.ref:p%40ss@host:6543/db?sslmode=verify-full&sslrootcert=/ca.pem")
    assert (made["USER"], made["PASSWORD"], made["HOST"], made["PORT"]) == ("dcmm_app.ref", "p@ss", "host", "6543")
    assert (made["OPTIONS"]["sslmode"], made["OPTIONS"]["sslrootcert"]) == ("verify-full", "/ca.pem")


def test_what_would_undo_our_settings_is_refused_without_showing_the_address() -> None:
    with pytest.raises(BadDatabaseSetting, match="prepare_threshold") as caught:
        database_from_url("postgresql://app:secret@host/db?prepare_threshold=5")
    assert "secret" not in str(caught.value)


def test_behind_a_pooler_connections_are_not_kept() -> None:
    address = "postgresql://app@host/db"
    assert (database_from_url(address)["CONN_MAX_AGE"], database_from_url(address, "transaction")["CONN_MAX_AGE"]) == (
        60,
        0,
    )
    assert checked_pooler("transaction") == "transaction"
    with pytest.raises(BadDatabaseSetting):
        checked_pooler("session")


def test_nothing_of_a_session_is_relied_on_whatever_stands_between() -> None:
    made = database_from_url("postgresql://app@host/db")
    assert made["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert made["OPTIONS"]["prepare_threshold"] is None
