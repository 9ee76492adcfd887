"""The translation catalogue: `python -m dcmm_portal.messages extract | compile | check`.

Needs Babel (a development dependency) and no gettext tools. `extract` brings locale/dv/LC_MESSAGES/django.po up to date and
keeps what is translated; `compile` writes django.mo beside it; `check` fails when either is not as these would make it, or when
a string that visitors or the desk see has no translation.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

BASE_DIR = Path(__file__).resolve().parent.parent
PO = BASE_DIR / "locale" / "dv" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
ROOMS = ("dcmm_portal", "trading", "governance", "disclosures", "templates")
KEYWORDS = {
    "gettext": None, "gettext_lazy": None, "gettext_noop": None, "_": None, "_n": None, "pgettext": ((1, "c"), 2),
    "ngettext": (1, 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
# Strings found only here are for the records (admin), whose texts may fall back to English.
RECORDS = (
    "trading/models/",
    "trading/admin/",
    "governance/models/",
    "governance/admin",
    "disclosures/models/",
    "disclosures/admin",
    "trading/management/",
)


def _source(path: Path) -> io.BytesIO:
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".html", ".txt"):
        from django.utils.translation.template import templatize

        # What is no message comes back as X's at the place it stood; its indentation would be nonsense as Python.
        text = "\n".join(line.strip() for line in templatize(text).splitlines())
    return io.BytesIO(text.encode("utf-8"))


def _files() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((BASE_DIR / room).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                yield path


def extracted() -> Catalog:
    """Every marked string with the files it stands in."""
    catalog = Catalog(project="DCMM portal", version="1", fuzzy=False)
    for path in _files():
        place = path.relative_to(BASE_DIR).as_posix()
        options: Any = {"encoding": "utf-8"}
        for _line, function, message, _comments in extract_python(_source(path), dict.fromkeys(KEYWORDS), [], options):
            _add(catalog, function, message, place)
    return catalog


def _add(catalog: Catalog, function: Any, message: Any, place: str) -> None:
    context = None
    if isinstance(message, tuple) and function == "pgettext":
        context, message = message[0], message[1]
    if isinstance(message, tuple) and function != "ngettext":
        message = message[0]
    if message and (not isinstance(message, tuple) or all(message)):
        catalog.add(message, locations=[(place, 0)], context=context)


def updated() -> Catalog:
    """The catalogue in the repository brought up to date: new strings empty, vanished ones gone."""
    fresh = extracted()
    known = read_po(PO.open("rb")) if PO.exists() else Catalog()
    for message in fresh:
        old = known.get(message.id, message.context) if message.id else None
        if old is not None and old.string:
            message.string = old.string
    fresh.mime_headers = [
        ("Language", "dv"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
        ("Plural-Forms", "nplurals=2; plural=(n != 1);"),
    ]
    return fresh


def _po_bytes(catalog: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalog, width=120, omit_header=True, sort_output=True, include_lineno=False)
    header = (
        '# Dhivehi. Needs review by a native speaker: docs/decisions/translations.md\nmsgid ""\nmsgstr ""\n'
        '"Language: dv\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    )
    return header.encode() + out.getvalue()


def _mo_bytes() -> bytes:
    catalog, out = read_po(PO.open("rb")), io.BytesIO()
    # Babel puts the present time where the file names none; the same texts must give the same bytes.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    write_mo(out, catalog)
    return out.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    """Strings of the pages without a translation."""
    return [
        str(message.id)
        for message in catalog
        if message.id
        and not message.string
        and not all(place.startswith(RECORDS) for place, _line in message.locations)
    ]


def check() -> list[str]:
    """What is not as it should be; empty when all is well."""
    problems = []
    catalog = updated()
    if not PO.exists() or PO.read_bytes() != _po_bytes(catalog):
        problems.append(
            "django.po is not up to date: run `python -m dcmm_portal.messages extract`, translate, then compile"
        )
    if not MO.exists() or not PO.exists() or MO.read_bytes() != _mo_bytes():
        problems.append("django.mo is not compiled from django.po: run `python -m dcmm_portal.messages compile`")
    problems += [f"no translation: {text[:100]}" for text in untranslated(catalog)]
    return problems


def main(arguments: list[str]) -> int:
    """Entry of the module; the exit status."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    command = arguments[0] if arguments else ""
    if command == "extract":
        catalog = updated()
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(_po_bytes(catalog))
        sys.stdout.write(f"{len(catalog)} strings, {len(untranslated(catalog))} of the pages not translated\n")
    elif command == "compile":
        MO.write_bytes(_mo_bytes())
    elif command == "check":
        problems = check()
        sys.stdout.writelines(f"{problem}\n" for problem in problems)
        return 1 if problems else 0
    else:
        sys.stdout.write(__doc__ or "")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
