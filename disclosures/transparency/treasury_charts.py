"""The charts of the treasury's pages, drawn as those of a market are, and the words for what its tables tell by code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from disclosures.transparency.charts import BUCKET_WORDS, Chart
from disclosures.transparency.dashboard import SOURCES, Asked, Shown, row_of
from disclosures.transparency.tables import PublicTable
from trading.treasury.rules import SkipReason

# Lines of wallets beside their total; more would not be told apart.
_COLOURS: Final = ("bid", "ask", "good", "warn", "bad")

BOUGHT: Final = Chart("bought", "", _("Bought back"), "base", (("bought_base", "accent", False),), "bar")
PRICES: Final = Chart(
    "prices", "", _("Price and independent reference"), "quote",
    (("average_price", "accent", False), ("reference_price", "soft", True)),
)  # fmt: skip
PAID: Final = Chart(
    "paid", "", _("Rewards of each epoch"), "asset", (("cap", "soft", False), ("paid", "accent", False)), "bar"
)
WORDS: Final[dict[str, Any]] = {
    "total": _("total"),
    "bought_base": _("bought"),
    "paid_quote": _("paid"),
    "average_price": _("average price"),
    "reference_price": _("independent reference"),
    "nothing_bought": _("turns without a purchase"),
    "number": _("epoch"),
    "asset": _("asset"),
    "cap": _("cap"),
    "budget": _("budget"),
    "paid": _("paid"),
    "participants": _("participants"),
    "computed_at": _("computed"),
}
NETWORKS: Final[dict[str, Any]] = {
    "ton-mainnet": _("TON"),
    "ton-testnet": _("TON test network"),
    "demonstration": _("demonstration, on no chain"),
}
PURPOSES: Final[dict[str, Any]] = {
    "reserve": _("reserve"),
    "buybacks": _("buybacks"),
    "rewards": _("rewards for liquidity"),
}
STATUSES: Final[dict[str, Any]] = {"active": _("active"), "paused": _("paused"), "ended": _("ended")}
OUTCOMES: Final[dict[str, Any]] = {
    "executed": _("executed"),
    "failed": _("nothing was bought"),
    "skipped": _("skipped"),
}
OUTCOME_TONES: Final = {"executed": "good", "failed": "bad", "skipped": "warn"}
REASONS: Final[dict[str, Any]] = {
    SkipReason.BLACKOUT.value: _("inside a blackout window"),
    SkipReason.DAY_CAP.value: _("the cap of the day was reached"),
    SkipReason.VOLUME_CAP.value: _("the share of the average daily volume was reached"),
    SkipReason.NO_REFERENCE.value: _("there was no independent price"),
    SkipReason.PRICE_ABOVE_REFERENCE.value: _("every offer was above the independent price"),
    SkipReason.OWN_QUOTE_AT_REFERENCE.value: _("our own quote would have set the price or been met"),
    SkipReason.MARKET_NOT_ACTIVE.value: _("the market was not active"),
}


@dataclass(frozen=True, slots=True)
class TreasuryShown(Shown):
    """A chart of the treasury with its whole table, in words of its own."""

    words: Mapping[str, Any]

    @property
    def keys(self) -> list[tuple[str, Any, bool]]:
        """Colour, word and dashes of each line."""
        return [(colour, self.words[column], dashed) for column, colour, dashed in self.chart.lines]

    @property
    def columns(self) -> list[Any]:
        """The words above the cells."""
        return [self.words[column] for column in self.table.columns[2:]]


def shown(
    chart: Chart, table: PublicTable, asked: Asked, door: str, unit: str = "", words: Mapping[str, Any] | None = None, **more: str
) -> TreasuryShown:  # fmt: skip
    """The chart ready to render; `door` names the API's addresses of its table, `more` is asked of them besides the range."""
    query = f"{urlencode(more)}&{asked.query}" if more else asked.query
    return TreasuryShown(
        chart=chart,
        table=table,
        rows=[row_of(row) for row in reversed(table.rows)],
        unit=unit.upper(),
        source=SOURCES[table.definition],
        bucket=BUCKET_WORDS.get(str(table.about.get("bucket")), ""),
        page=f"?{asked.query}#{chart.key}",
        json=f"{reverse(door)}?{query}",
        csv=f"{reverse(f'{door}-csv')}?{query}",
        words=words or WORDS,
    )


def balance_chart(table: PublicTable, labels: Mapping[str, str], asked: Asked) -> TreasuryShown:
    """The balances of one asset: the total, and a line for each of the first wallets."""
    asset, wallets = str(table.about["asset"]), table.columns[3:]
    lines = (
        ("total", "accent", False),
        *((slug, colour, True) for slug, colour in zip(wallets, _COLOURS, strict=False)),
    )
    chart = Chart(
        f"balance-{asset}", "", gettext("Balance of %(asset)s") % {"asset": asset.upper()}, "asset", lines, "step"
    )
    words = WORDS | {slug: labels[slug] for slug in wallets}
    return shown(chart, table, asked, "api-public-treasury-balances", asset, words, asset=asset)
