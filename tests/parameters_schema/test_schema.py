"""The schema is complete, coherent, and the strategy's typed parameters are made of it."""

from __future__ import annotations

import ast
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from trading.parameters import schema
from trading.parameters.reference_table import markdown_table
from trading.parameters.schema import (
    BY_NAME,
    DEFAULTS,
    SCHEMA,
    ParameterGroup,
    ParameterKind,
    ParameterSpec,
    RiskDirection,
)
from trading.parameters.starting_values import STARTING_VALUES, StartingSet
from trading.parameters.validation import MarketScale, validate
from trading.risk.parameters import risk_parameters
from trading.strategy.parameters import QuoteParameters, quote_parameters

# fmt: off
NEEDED = {
    "gamma", "kappa", "horizon_s", "order_size_lots", "beta", "spread_floor_bps", "spread_cap_bps",
    "fee_cushion_bps", "widen_factor", "q_target_lots", "q_soft_lots", "q_hard_lots", "max_notional_per_side",
    "sigma_min", "sigma_max", "sigma_prior", "vol_lookback_s", "sigma_step_s", "refresh_interval_s",
    "refresh_tolerance_bps", "feed_stale_s", "ref_trade_max_age_s", "ref_max_width_bps", "ref_fallback_widen",
    "cycle_timeout_s",
}
# fmt: on


def test_every_parameter_the_specification_names_exists() -> None:
    assert set(BY_NAME) >= NEEDED
    assert len(BY_NAME) == len(SCHEMA)


@pytest.mark.parametrize("spec", SCHEMA, ids=lambda spec: spec.name)
def test_each_is_coherent(spec: ParameterSpec) -> None:
    assert spec.minimum <= spec.default <= spec.maximum and spec.minimum < spec.maximum
    assert spec.unit and spec.label and len(spec.help) > 20
    assert spec.default == round(spec.default, spec.decimal_places)
    assert spec.minimum == round(spec.minimum, spec.decimal_places)
    assert isinstance(spec.risk_direction, RiskDirection)
    assert (spec.kind is not ParameterKind.INT) or spec.decimal_places == 0
    for bound in (spec.minimum, spec.maximum):
        integer_digits = len(str(abs(int(bound))))
        assert integer_digits + spec.decimal_places <= spec.max_digits


def test_names_bear_their_unit() -> None:
    for spec in SCHEMA:
        if spec.unit == "s":
            assert spec.name.endswith("_s")
        if spec.unit.startswith("bps"):
            assert spec.name.endswith("_bps")
        if spec.unit.startswith("lots"):
            assert spec.name.endswith("_lots")


def test_strategy_reads_exactly_the_schema() -> None:
    risk = {name for name, spec in BY_NAME.items() if spec.group is ParameterGroup.RISK}
    assert {field.name for field in fields(QuoteParameters)} == set(BY_NAME) - risk
    read: set[str] = set()

    class Reading(dict):
        def __getitem__(self, name: str) -> object:
            read.add(name)
            return super().__getitem__(name)

    risk_parameters(Reading(DEFAULTS))
    assert read == risk | {"max_notional_per_side"}
    typed = quote_parameters(DEFAULTS)
    assert (typed.gamma, typed.ref_rank_trade, typed.order_size_lots) == (20.0, 1, Decimal(1))


def test_defaults_are_valid() -> None:
    assert validate(DEFAULTS) == ()


def test_texts_are_marked_for_extraction() -> None:
    """Every label, unit and help goes through `_n`, or translators never see it."""
    tree = ast.parse(Path(schema.__file__).read_text())
    marked = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "_n"
        and isinstance(node.args[0], ast.Constant)
    }
    assert {text for spec in SCHEMA for text in (spec.label, spec.unit, spec.help)} <= marked


@pytest.mark.parametrize("slug", ["dct-usdt-dex", "gram-usdt-cex", "eth-usdt-perp"])
def test_starting_sets_are_valid_and_start_at_target(slug: str) -> None:
    start: StartingSet = STARTING_VALUES[slug]
    tick_bps = {"dct-usdt-dex": 0.0373, "gram-usdt-cex": 0.6583, "eth-usdt-perp": 0.0373}[slug]
    assert validate(start.values, MarketScale(float(start.maker_fee_bps), tick_bps)) == ()
    assert Decimal(start.values["q_target_lots"]) * Decimal(start.lot_size) == Decimal(start.deposit_base)


def test_pure_rooms_import_only_what_they_may() -> None:
    """Standard library, numpy, numba and the pure rooms themselves; no Django, no clock."""
    import sys

    root = Path(schema.__file__).parents[2]
    files = [*root.glob("trading/strategy/*.py"), *root.glob("trading/risk/*.py"), Path(schema.__file__)]
    allowed = set(sys.stdlib_module_names) - {"time", "datetime", "random", "os", "socket", "logging"} | {
        "numpy",
        "numba",
    }
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                pure = name.startswith(("trading.strategy", "trading.risk"))
                assert pure or name.split(".")[0] in allowed, f"{file.name} imports {name}"


def test_documented_table_is_the_schemas() -> None:
    documented = (Path(schema.__file__).parents[2] / "docs" / "parameters.md").read_text()
    assert markdown_table() in documented
    for slug, start in STARTING_VALUES.items():
        assert slug in documented and f"{int(start.deposit_base):,}" in documented
