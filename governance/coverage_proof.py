"""What proves that governed columns are governed: the database's guards, read from its catalogue, and the attacks on them.

An attack is a test in tests/attacks marked `@pytest.mark.attacks("parameter_sets.gamma", "votes.*")`: columns, or patterns of
them, written out, on the function, its class, or as `pytestmark` for a whole file. The sources are read, never run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from dcmm_portal.database_grants import APP_ROLE
from governance.coverage import COVERAGE

MARK: Final = "attacks"
WRITES: Final = ("INSERT", "UPDATE")
# tgtype bits of pg_trigger: what the trigger fires for.
_EVENTS: Final = ((4, "INSERT"), (16, "UPDATE"), (8, "DELETE"), (32, "TRUNCATE"))
# Guards judge each row; a statement's trigger (a mark for sums, a refused TRUNCATE) guards no column.
_EACH_ROW: Final = 1
_TRIGGERS = """
SELECT c.relname, t.tgname, t.tgtype, t.tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND n.nspname = 'public' ORDER BY 1, 2
"""
_CHECKS = """
SELECT c.relname, a.attname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
WHERE k.contype = 'c' AND n.nspname = 'public' ORDER BY 1, 2, 3
"""
_RIGHTS = "SELECT has_column_privilege(%s, %s, %s, 'INSERT'), has_column_privilege(%s, %s, %s, 'UPDATE')"


@dataclass(frozen=True, slots=True)
class Attack:
    """One marked test with the patterns it names."""

    name: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """One governed column. `guards`: triggers, and what the application has no right to do; `unguarded`: what it may do there
    with no trigger to ask who decided it (INSERT, UPDATE); `bounds`: check constraints, which bound a value but ask nobody;
    `attacks`: tests by name."""

    column: str
    guards: tuple[str, ...]
    unguarded: tuple[str, ...]
    bounds: tuple[str, ...]
    attacks: tuple[str, ...]


class UnreadableAttack(Exception):
    """A mark whose columns are not written out, or a source that is no Python; the message says where."""


def read_attacks(folder: Path, root: Path) -> tuple[Attack, ...]:
    """Every marked test under `folder`, named from `root` on as pytest does. Raises `UnreadableAttack`."""
    found: list[Attack] = []
    for path in sorted(folder.rglob("test_*.py")):
        name = path.relative_to(root).as_posix()
        try:
            module = ast.parse(path.read_text(), filename=name)
        except SyntaxError as problem:
            raise UnreadableAttack(f"{name}: {problem}") from problem
        found += _attacks(module.body, name, _of_module(module, name))
    return tuple(found)


def _attacks(body: Sequence[ast.stmt], name: str, inherited: tuple[str, ...]) -> Iterator[Attack]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _attacks(node.body, f"{name}::{node.name}", (*inherited, *_marked(node.decorator_list, name)))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            patterns = (*inherited, *_marked(node.decorator_list, f"{name}::{node.name}"))
            if patterns:
                yield Attack(f"{name}::{node.name}", patterns)


def _of_module(module: ast.Module, name: str) -> tuple[str, ...]:
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == "pytestmark" for one in node.targets
        ):
            marks = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
            return _marked(marks, name)
    return ()


def _marked(marks: Sequence[ast.expr], where: str) -> tuple[str, ...]:
    """The patterns of every `pytest.mark.attacks(...)` among `marks`."""
    found: list[str] = []
    for mark in marks:
        called = mark.func if isinstance(mark, ast.Call) else mark
        if not (isinstance(called, ast.Attribute) and called.attr == MARK):
            continue
        arguments = mark.args if isinstance(mark, ast.Call) else []
        patterns = [one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if not patterns or len(patterns) != len(arguments):
            raise UnreadableAttack(f"{where}: the columns of an attack are written out as text")
        found += patterns
    return tuple(found)


def read_proofs(columns: Sequence[str], attacks: Sequence[Attack]) -> tuple[Proof, ...]:
    """Guards from the connected database and attacks, for each of `columns`."""
    with connection.cursor() as cursor:
        triggers, checks = _triggers(cursor), _checks(cursor)
        rights = {column: _rights(cursor, column) for column in columns}
    return tuple(
        _proof(column, triggers.get(column.partition(".")[0], []), rights[column], checks.get(column, []), attacks)
        for column in columns
    )


def _proof(
    column: str,
    triggers: Sequence[tuple[str, tuple[str, ...]]],
    rights: frozenset[str],
    checks: Sequence[str],
    attacks: Sequence[Attack],
) -> Proof:
    table = column.partition(".")[0]
    asked = {event for _, events in triggers for event in events}
    free = () if not COVERAGE[table].inserts else ("INSERT",)
    guards = [f"trigger {name} ({', '.join(events)})" for name, events in triggers]
    guards += [f"the application has no right to {event}" for event in WRITES if event not in rights]
    guards += [f"INSERT: {COVERAGE[table].inserts}" for _ in free]
    return Proof(
        column,
        tuple(guards),
        tuple(event for event in WRITES if event in rights and event not in asked and event not in free),
        tuple(checks),
        tuple(attack.name for attack in attacks if any(fnmatchcase(column, one) for one in attack.patterns)),
    )


def _triggers(cursor: CursorWrapper) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """(name, events) by table, of those that fire when a row is written. One that is switched off guards nothing."""
    cursor.execute(_TRIGGERS)
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for table, name, kind, enabled in cursor.fetchall():
        events = tuple(word for bit, word in _EVENTS if kind & bit)
        if enabled in ("O", "A") and kind & _EACH_ROW and set(WRITES) & set(events):
            found.setdefault(table, []).append((name, events))
    return found


def _checks(cursor: CursorWrapper) -> dict[str, list[str]]:
    cursor.execute(_CHECKS)
    found: dict[str, list[str]] = {}
    for table, column, name in cursor.fetchall():
        found.setdefault(f"{table}.{column}", []).append(name)
    return found


def _rights(cursor: CursorWrapper, column: str) -> frozenset[str]:
    """What the application may do with the column."""
    table, _, name = column.partition(".")
    cursor.execute(_RIGHTS, [APP_ROLE, table, name] * 2)
    return frozenset(event for event, allowed in zip(WRITES, cursor.fetchone(), strict=True) if allowed)


def proof_problems(
    proofs: Sequence[Proof], attacks: Sequence[Attack], present: Mapping[str, Sequence[str]]
) -> list[str]:
    """Governed columns without a guard or without an attack, and attacks on what does not exist."""
    every = [f"{table}.{column}" for table, columns in present.items() for column in columns]
    problems = [f"{proof.column}: nothing guards {event}" for proof in proofs for event in proof.unguarded]
    problems += [f"{proof.column}: no attack tries it" for proof in proofs if not proof.attacks]
    problems += [
        f"{attack.name}: {pattern} matches no column"
        for attack in attacks
        for pattern in attack.patterns
        if not any(fnmatchcase(column, pattern) for column in every)
    ]
    return problems
