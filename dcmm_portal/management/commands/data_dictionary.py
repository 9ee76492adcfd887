"""The data dictionary, made from the models and the declared grants: docs/data-dictionary.md."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Field, Model
from django.utils import translation

from dcmm_portal.database_grants import GRANTS
from dcmm_portal.environment import BASE_DIR

PATH = BASE_DIR / "docs" / "data-dictionary.md"
APPS = ("trading", "governance", "disclosures")
HEADER = """# Data dictionary

Made by `manage.py data_dictionary --write` from the models; `make check` compares. Prices are quote per base, amounts in
their asset, times UTC.
"Application may" is what the role that runs everything is granted; the owner role alone may do more.
"""


class Command(BaseCommand):
    help = "Prints the data dictionary; --write renews docs/data-dictionary.md, --check fails when that file is not current."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true")
        parser.add_argument("--check", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            text = HEADER + "".join(
                _table(model) for label in APPS for model in apps.get_app_config(label).get_models()
            )
        if options["write"]:
            PATH.write_text(text)
        elif options["check"]:
            if not PATH.exists() or PATH.read_text() != text:
                raise CommandError("docs/data-dictionary.md is not current: run manage.py data_dictionary --write")
        else:
            self.stdout.write(text)


def _table(model: type[Model]) -> str:
    options = model._meta
    summary = (model.__doc__ or "").strip().split("\n")[0]
    lines = [f"\n## {options.db_table}\n", summary if not summary.startswith(f"{model.__name__}(") else "", ""]
    lines.append(f"Application may: {GRANTS.get(options.db_table, 'nothing')}.\n")
    lines += ["| column | kind | meaning |", "| --- | --- | --- |"]
    lines += [_row(field) for field in options.get_fields() if isinstance(field, Field) and field.column]
    return "\n".join(lines) + "\n"


def _row(field: Field) -> str:
    kind = field.get_internal_type().removesuffix("Field")
    if field.related_model is not None and not isinstance(field.related_model, str):
        kind += f" → {field.related_model._meta.db_table}"
    meaning = str(field.verbose_name)
    return f"| {field.column} | {kind}{', may be empty' if field.null else ''} | {meaning} |"
