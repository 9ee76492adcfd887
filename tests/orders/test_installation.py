"""The name of an installation: the same in all of its processes, another one wherever a copy could live."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import override_settings

from trading.orders.installation import installation_tag, this_installation


def test_the_name_is_as_documented() -> None:
    assert installation_tag("7712118239297266255", "dcmm", "") == installation_tag("7712118239297266255", "dcmm", "")
    names = {
        installation_tag(cluster, database, configured)
        for cluster in ("7712118239297266255", "7712118239297266256")
        for database in ("dcmm", "dcmm_copy")
        for configured in ("", "second")
    }
    assert len(names) == 8
    assert all(len(name) == 4 and name.isalnum() and name.islower() | name.isdigit() for name in names)


@pytest.mark.django_db
def test_the_application_role_can_ask_and_a_setting_tells_copies_apart() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text, current_database() FROM pg_control_system()")
        cluster, database = cursor.fetchone()
    assert this_installation() == installation_tag(cluster, database, "")
    with override_settings(INSTALLATION_ID="second"):
        assert (
            this_installation()
            == installation_tag(cluster, database, "second")
            != installation_tag(cluster, database, "")
        )
