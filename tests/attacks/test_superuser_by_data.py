"""A superuser at a shell: ORM, raw SQL and `loaddata`, and the same rows through the records. The table is `doors.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.core.management import call_command
from django.core.serializers.base import DeserializationError
from django.db import DatabaseError, connection, models, transaction
from django.db.models import ProtectedError
from django.test import Client

from governance.models import User
from tests.access.visitor import told
from tests.attacks import doors
from tests.attacks.held import governed
from tests.pages import stage


def filled(value: Any, held: dict[str, Any]) -> Any:
    """`{name}` alone is what the desk holds; within a text it is written out."""
    if isinstance(value, dict):
        return {name: filled(one, held) for name, one in value.items()}
    if not isinstance(value, str) or "{" not in value:
        return value
    return held[value[1:-1]] if value[1:-1] in held else value.format(**held)


def field_of(row: models.Model, name: str) -> models.Field:
    return (
        row._meta.pk
        if name == "pk"
        else next(f for f in row._meta.local_concrete_fields if name in (f.name, f.attname))
    )


def changed(row: models.Model, values: dict[str, Any]) -> models.Model:
    for name, value in values.items():
        field = field_of(row, name)
        setattr(row, field.attname, field.to_python(value))
    return row


def columns(row: models.Model) -> dict[str, Any]:
    """Column → value as the database takes it."""
    fields = [field for field in row._meta.local_concrete_fields if getattr(row, field.attname) is not None]
    return {field.column: field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields}


def fixture(row: models.Model, tmp_path: Path) -> None:
    path = tmp_path / "attack.json"
    # Django's own JSON would cut the microseconds off, which is another attack than the one meant.
    path.write_text(json.dumps(serializers.serialize("python", [row]), default=str))
    call_command("loaddata", str(path), verbosity=0)


def of_values(row: models.Model, values: dict[str, Any]) -> list[str]:
    return [field_of(row, name).name for name in values if name != "pk"]


def change_by(door: str, row: models.Model, values: dict[str, Any], tmp_path: Path) -> None:
    manager, fields = type(row)._base_manager, of_values(row, values)
    same = manager.filter(pk=row.pk)
    row = changed(row, values)
    match door:
        case "save":
            row.save()
        case "update":
            same.update(**{name: getattr(row, row._meta.get_field(name).attname) for name in fields})
        case "bulk_update":
            manager.bulk_update([row], fields)
        case "upsert":
            manager.bulk_create([row], update_conflicts=True, unique_fields=[row._meta.pk.name], update_fields=fields)
        case "cursor":
            written = {row._meta.get_field(name).column for name in fields}
            given = dict.fromkeys(written) | {k: v for k, v in columns(row).items() if k in written}
            table, pk = row._meta.db_table, row._meta.pk.column
            with connection.cursor() as cursor:
                sets = ", ".join(f'"{name}" = %s' for name in given)
                cursor.execute(f'UPDATE "{table}" SET {sets} WHERE "{pk}" = %s', [*given.values(), row.pk])
        case "loaddata":
            fixture(row, tmp_path)


def new_by(door: str, row: models.Model, tmp_path: Path) -> None:
    manager, fields = type(row)._base_manager, row._meta.local_concrete_fields
    match door:
        case "save":
            row.save(force_insert=True)
        case "bulk_create":
            manager.bulk_create([row])
        case "upsert":
            names = [field.name for field in fields if not field.primary_key]
            row.pk = row.pk or 10**6
            unique = [row._meta.pk.name]
            manager.bulk_create([row], update_conflicts=True, unique_fields=unique, update_fields=names or unique)
        case "cursor":
            given = columns(row)
            names = ", ".join(f'"{name}"' for name in given)
            marks = ", ".join(["%s"] * len(given))
            with connection.cursor() as cursor:
                cursor.execute(f'INSERT INTO "{row._meta.db_table}" ({names}) VALUES ({marks})', list(given.values()))
        case "loaddata":
            fixture(row, tmp_path)


def gone_by(door: str, model: type[models.Model]) -> None:
    match door:
        case "delete":
            model._base_manager.all().delete()
        case "raw_delete":
            model._base_manager.all()._raw_delete("default")
        case "cursor":
            with connection.cursor() as cursor:
                cursor.execute(f'DELETE FROM "{model._meta.db_table}"')
        case "truncate":
            with connection.cursor() as cursor:
                cursor.execute(f'TRUNCATE "{model._meta.db_table}" CASCADE')


def came_of(attempt: Callable[[], None], phrase: str, before: dict[str, str]) -> str:
    """The word of a cell, for what an attempt came to by the end of its transaction."""
    try:
        with transaction.atomic():
            attempt()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            after = governed()
            transaction.set_rollback(True)
    except ProtectedError:
        return "model"
    except (DatabaseError, DeserializationError) as problem:
        text = str(problem)
        if "permission denied" in text:
            return "right"
        if phrase and any(one in text for one in phrase.split("|")):
            return "guard"
        return "first" if any(one in text for one in doors.FIRST) else f"? {text.splitlines()[0]}"
    return "kept" if after == before else "CHANGED"


def cells(header: tuple[str, ...], row: str, name: str) -> Iterator[tuple[str, str]]:
    words = row.split()
    assert len(words) == len(header), name
    return zip(header, words, strict=True)


def told_by_records(who: tuple[Client, Client], model: type[models.Model], page: str, data: dict[str, Any]) -> str:
    """The administrator's answer; a superuser without a role is sent to sign in."""
    address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/{page}"
    posted = {name: str(value) for name, value in data.items() if value is not None}
    administrator, root = (told(one, "POST", address, posted) for one in who)
    return administrator if root == "in" else f"a superuser: {root}"


@pytest.fixture
def at_records(held: dict[str, Any]) -> tuple[Client, Client]:
    adam, root = (User.objects.get(username=name) for name in ("adam", "root"))
    return stage.sign_in(Client(), adam), stage.sign_in(Client(), root)


def row_of(model: type[models.Model], where: dict[str, Any] | None, held: dict[str, Any]) -> models.Model:
    if where is None:
        return model()
    found = model._base_manager.filter(**filled(where, held)).first()
    assert found is not None, f"nothing to attack: {model} {where}"
    return found


@pytest.mark.attacks(
    "parameter_sets.*", "parameter_sets_history.*", "exposure_limits.*", "named_gates.*", "trading_controls.*", "locks.*",
    "markets.*", "proposals.*", "votes.*", "review_policies.*", "role_grants.*", "users_groups.*",
    "users.*", "governance_genesis.*", "risk_directions.*", "api_tokens.*", "totp_devices.*", "security_keys.*",
    "jurisdiction_rules.*", "publication_policies.*",
)  # fmt: skip
def test_no_row_changes(held: dict[str, Any], at_records: tuple[Client, Client], tmp_path: Path) -> None:
    before, wrong = governed(), []
    for name, label, where, values, phrase, line in doors.CHANGES:
        model = apps.get_model(label)
        for door, word in cells(doors.CHANGE_DOORS, line, name):
            if word == "-":
                continue
            row, given = row_of(model, where, held), filled(values, held)
            if door == "admin":
                got = told_by_records(at_records, model, f"{row.pk}/change/", given)
            else:
                got = came_of(lambda d=door, r=row, g=given: change_by(d, r, g, tmp_path), phrase, before)
            if got != word:
                wrong.append(f"{name} by {door}: {got}, not {word}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.attacks(
    "parameter_sets.*", "parameter_sets_history.*", "exposure_limits.*", "named_gates.*", "trading_controls.*",
    "markets.*", "proposals.*", "votes.*", "review_policies.*", "role_grants.*", "users_groups.*",
    "governance_genesis.*", "risk_directions.*", "api_tokens.*", "users_user_permissions.*",
    "jurisdiction_rules.*", "publication_policies.*",
)  # fmt: skip
def test_no_row_comes(held: dict[str, Any], at_records: tuple[Client, Client], tmp_path: Path) -> None:
    before, wrong = governed(), []
    for name, label, like, values, phrase, line in doors.NEWS:
        model = apps.get_model(label)
        for door, word in cells(doors.NEW_DOORS, line, name):
            if word == "-":
                continue
            row = row_of(model, like, held)
            row.pk, row._state.adding = None, True
            given = filled(values, held)
            if door == "admin":
                got = told_by_records(at_records, model, "add/", given)
            else:
                changed(row, given)
                got = came_of(lambda d=door, r=row: new_by(d, r, tmp_path), phrase, before)
            if got != word:
                wrong.append(f"{name} by {door}: {got}, not {word}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.attacks(
    "parameter_sets.*", "parameter_sets_history.*", "exposure_limits.*", "named_gates.*", "trading_controls.*", "locks.*",
    "resume_requests.*", "markets.*", "proposals.*", "votes.*", "review_policies.*", "role_grants.*", "users.*",
    "governance_genesis.*", "risk_directions.*", "api_tokens.*", "security_keys.*",
    "jurisdiction_rules.*", "publication_policies.*",
)  # fmt: skip
def test_no_row_goes(held: dict[str, Any], at_records: tuple[Client, Client]) -> None:
    before, wrong = governed(), []
    for label, line in doors.GONES:
        model = apps.get_model(label)
        for door, word in cells(doors.GONE_DOORS, line, label):
            if word == "-":
                continue
            if door == "admin":
                row = model._base_manager.first()
                assert row is not None or label == "governance.ProposalComment", label
                got = told_by_records(at_records, model, f"{row.pk if row else 1}/delete/", {"post": "yes"})
            else:
                got = came_of(lambda d=door, m=model: gone_by(d, m), "", before)
            if got != word:
                wrong.append(f"{label} by {door}: {got}, not {word}")
    assert not wrong, "\n".join(wrong)
