"""The parameter table of docs/parameters.md, made from the schema: `python -m trading.parameters.reference_table`."""

from __future__ import annotations

import sys

from trading.parameters.schema import SCHEMA, ParameterSpec, RiskDirection

_RISK = {
    RiskDirection.UP_IS_RISKIER: "up",
    RiskDirection.DOWN_IS_RISKIER: "down",
    RiskDirection.NEUTRAL_BOTH_STRICT: "either",
}


def _row(spec: ParameterSpec) -> str:
    bounds = f"{spec.minimum:f} … {spec.maximum:f}"
    name = f"`{spec.name}`" if spec.live_updatable else f"`{spec.name}` (restarts its measurement)"
    return f"| {name} | {spec.unit} | {spec.default:f} | {bounds} | {_RISK[spec.risk_direction]} | {spec.help} |"


def markdown_table() -> str:
    """A Markdown row per parameter, in the schema's order."""
    head = "| parameter | unit | default | bounds | riskier | meaning |\n| --- | --- | --- | --- | --- | --- |"
    return "\n".join([head, *(_row(spec) for spec in SCHEMA)])


if __name__ == "__main__":
    sys.stdout.write(markdown_table() + "\n")
