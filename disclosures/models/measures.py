"""What every bucket of a rollup holds: sums and counts, never averages. Declared once; columns and SQL are made from it."""

from __future__ import annotations

from typing import Final

from trading.models.samples import DEPTH_COLUMNS

# Counts. `*_samples` say over how many samples the sum of the same name goes.
SAMPLED_COUNTS: Final = (
    "cycles",
    "two_sided_cycles",
    "one_sided_cycles",
    "samples",
    "market_spread_samples",
    "our_spread_samples",
    "depth_samples",
    "sigma_samples",
    "calm_samples",
    "normal_samples",
    "stressed_samples",
    "active_samples",
    "reducing_samples",
    "paused_samples",
    "halted_samples",
    "market_volume_minutes",
)
SAMPLED_SUMS: Final = (
    "quoting_s",
    "one_sided_s",
    "market_spread_bps_sum",
    "our_spread_bps_sum",
    "sigma_sum",
    "market_volume_quote",
    *DEPTH_COLUMNS,
)
LEDGER_COUNTS: Final = ("fills", "fees_pending", "movements")
# `base_change` and `cash_flow_quote` are what the position gained: sums of them from the beginning are the ledger's own figures.
LEDGER_SUMS: Final = (
    "bought_base",
    "sold_base",
    "bought_quote",
    "sold_quote",
    "fees_quote",
    "base_change",
    "cash_flow_quote",
)
COUNTS: Final = (*SAMPLED_COUNTS, *LEDGER_COUNTS)
SUMS: Final = (*SAMPLED_SUMS, *LEDGER_SUMS)
SAMPLED: Final = (*SAMPLED_COUNTS, *SAMPLED_SUMS)
LEDGER: Final = (*LEDGER_COUNTS, *LEDGER_SUMS)
# Added up from bucket to larger bucket.
ADDED: Final = (*SAMPLED, *LEDGER)
# The last one known in the bucket.
CLOSING: Final = "closing_reference_price"
MEASURES: Final = (*ADDED, CLOSING)
