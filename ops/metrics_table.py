"""Writes docs/metrics.md from the declarations: `python -m ops.metrics_table`. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from trading import metrics

PATH = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"
HEAD = """# Metrics

Served at `/metrics`; declared in `trading/metrics.py`, from which this table is made (`python -m ops.metrics_table`).

| name | kind | labels | meaning |
| --- | --- | --- | --- |
"""


def table() -> str:
    """The page as it should be."""
    found = [one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)]
    return HEAD + "".join(_row(one) for one in sorted(found, key=_name))


def _name(metric: MetricWrapperBase) -> str:
    (described,) = metric.describe()
    return described.name + ("_total" if described.type == "counter" else "")


def _row(metric: MetricWrapperBase) -> str:
    (described,) = metric.describe()
    labels = ", ".join(metric._labelnames) or "–"
    return f"| `{_name(metric)}` | {described.type} | {labels} | {described.documentation} |\n"


if __name__ == "__main__":
    PATH.write_text(table(), encoding="utf-8")
