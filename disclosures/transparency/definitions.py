"""What each published figure means, where it comes from and how old it may be. Pages link to these by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Definition:
    """`key` is the fragment of the address; texts are lazy translations."""

    key: str
    title: Any
    meaning: Any
    source: Any
    age: Any


LIVE = _("Live, pushed within a second of the change.")
DEFINITIONS = (
    Definition(
        "mid",
        _("Reference price (mid)"),
        _(
            "The middle between the best buy and the best sell offer on the venue, with our own orders taken out, so that "
            "we never follow ourselves. If too little of the book remains, the last independent trade is used instead."
        ),
        _("The venue's order book, or its last trade; the page says which."),
        LIVE,
    ),
    Definition(
        "quotes",
        _("Our quotes"),
        _(
            "The price at which our market maker offers to buy (bid) and to sell (ask) right now, with the size. They are "
            "orders that rest on the venue: anybody there can trade against them."
        ),
        _("Our orders as the venue confirmed them."),
        LIVE,
    ),
    Definition(
        "spread",
        _("Our spread"),
        _(
            "Our ask minus our bid, divided by the middle between them, in basis points (bps). 1 bps is one hundredth of a "
            "percent. A smaller spread makes trading cheaper."
        ),
        _("Computed from our quotes."),
        LIVE,
    ),
    Definition(
        "market-spread",
        _("Market spread"),
        _("The same between the best offers of everybody on the venue, ours among them."),
        _("The venue's order book."),
        LIVE,
    ),
    Definition(
        "depth",
        _("Depth"),
        _(
            "The value of all offers within a distance of ±0.5 %, ±1 % or ±2 % from the reference price, to buy and to sell, "
            "and our part of it. “At least” means that the book we receive ends inside that distance."
        ),
        _("The venue's order book and our orders."),
        LIVE,
    ),
    Definition(
        "uptime",
        _("Uptime"),
        _(
            "The share of time with both of our quotes on the book, over the last 24 hours or since the market started, if "
            "that is later. A minute in which nothing was computed counts as down."
        ),
        _("Every quoting cycle is counted, minute by minute, in the portal's database."),
        _("Complete minutes; read again every 10 seconds."),
    ),
    Definition(
        "volume",
        _("Our volume"),
        _(
            "The value of all trades against our quotes in 24 hours, up to the end of the last complete hour. The quantity is "
            "rounded to 5 % of the hard limit and valued at the reference price of that moment."
        ),
        _("The ledger of our fills."),
        _("Complete hours only, so that nobody can work out a trade or our inventory from it."),
    ),
    Definition(
        "inventory",
        _("Our inventory"),
        _(
            "How much of the token the market maker holds to trade with, rounded to 5 % of its hard limit. A market maker is "
            "meant to stay near its target: the further away, the more it moves its quotes to come back."
        ),
        _("The ledger of our fills."),
        _("60 seconds late."),
    ),
    Definition(
        "pnl",
        _("Profit and loss by day"),
        _(
            "What the market maker earned or lost in a complete day (UTC): money received minus money paid, plus what its "
            "inventory is worth more or less at the reference price, fees included."
        ),
        _("The ledger, and the reference price at the end of each day."),
        _("Published after the day has ended; never for the day that runs."),
    ),
    Definition(
        "state",
        _("State"),
        _(
            "Active: both sides may be quoted. Reducing: only what lowers the inventory. Paused and halted: no quotes. "
            "Operators may pause at once; starting again has stricter rules."
        ),
        _("The desk's controls in the portal's database."),
        LIVE,
    ),
    Definition(
        "age",
        _("Age of the data"),
        _(
            "Seconds since the venue last proved to be alive. A quiet market is not a dead one; when the proof is missing for "
            "too long, the market maker withdraws its quotes."
        ),
        _("Our connection to the venue."),
        LIVE,
    ),
    Definition(
        "recorded",
        _("Recorded market"),
        _(
            "On the demonstration venues the prices are a replay of a real market recorded earlier; a label on each market "
            "names it, and says how prices or times were rescaled. Our orders there are real orders on a simulated exchange: "
            "no real money moves."
        ),
        _("The label is part of the market's registration."),
        _("Fixed."),
    ),
)  # fmt: skip
