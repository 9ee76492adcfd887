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
            "The value of all trades against our quotes, by complete hour; on the first page in 24 hours up to the end of the "
            "last complete one. The quantity is rounded as our inventory is, and valued at the reference price of that moment."
        ),
        _("The ledger of our fills."),
        _("Complete hours only, so that nobody can work out a trade or our inventory from it."),
    ),
    Definition(
        "inventory",
        _("Our inventory"),
        _(
            "How much of the token the market maker holds to trade with, rounded to the part of its hard limit that the "
            "publication policy sets (5 % to begin with). A market maker is meant to stay near its target: the further away, "
            "the more it moves its quotes to come back."
        ),
        _("The ledger of our fills."),
        _("As late as the publication policy says: 60 seconds to begin with."),
    ),
    Definition(
        "pnl",
        _("Profit and loss by day"),
        _(
            "What the market maker earned or lost in a complete day (Indian/Maldives): money received minus money paid, plus "
            "what its inventory is worth more or less at the reference price, fees included."
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
        "uptime-history",
        _("Uptime over time"),
        _(
            "Seconds with both of our quotes on the book divided by all seconds of the minute, hour or day. Of a minute they "
            "are 60 times the cycles that found both quotes, divided by all its cycles; without a cycle they are 0. Time begins "
            "with the first minute of which anything was recorded. A later minute without any record is left open in a chart by "
            "minute, and counts as time without quotes in an hour or a day."
        ),
        _("Every quoting cycle is counted, minute by minute, in the portal's database."),
        _("Complete minutes, hours and days."),
    ),
    Definition(
        "average",
        _("Spread and depth over time"),
        _(
            "The mean of one sample a minute: the sum of the samples that are known, divided by their number. Where none is "
            "known there is no figure."
        ),
        _("The venue's order book and our orders, sampled every minute."),
        _("Complete minutes, hours and days."),
    ),
    Definition(
        "share",
        _("Our share"),
        _("Our part divided by everybody's: of the depth, or of the volume as both are told here."),
        _("The venue's order book and trades, our orders and the ledger of our fills."),
        _("As the figures that it is made of."),
    ),
    Definition(
        "fill-rate",
        _("Fill rate"),
        _(
            "How often what we offer is taken: our volume of the hour or day, as it is told here, divided by our mean depth "
            "within ±2 %."
        ),
        _("The ledger of our fills and our orders."),
        _("As our volume."),
    ),
    Definition(
        "volatility",
        _("Volatility and regime"),
        _(
            "Sigma is the standard deviation of the reference price's relative change per square root of a second, "
            "exponentially weighted. The regime says whether it is calm, normal or stressed for this market; told is the share "
            "of the samples in each."
        ),
        _("Computed from the reference price."),
        _("Complete minutes, hours and days."),
    ),
    Definition(
        "states",
        _("States over time"),
        _("The share of the samples, one a minute, in each state: active, reducing, paused and halted."),
        _("The desk's controls in the portal's database."),
        _("Complete minutes, hours and days."),
    ),
    Definition(
        "parameters",
        _("Parameter changes"),
        _(
            "Every version of a market's parameters: what changed from which value to which, why, and by which roles it was "
            "proposed and approved. What makes things riskier needs two other people and a waiting time."
        ),
        _("The versions in the portal's database, which never change."),
        _("At once."),
    ),
    Definition(
        "incidents",
        _("Pauses and breakers"),
        _(
            "Every time that people or a rule stopped or reduced quoting, with the reason. Of a rule the reason is told by its "
            "code, since its figures would tell the inventory."
        ),
        _("The desk's controls and locks in the portal's database."),
        _("As late as inventory."),
    ),
    Definition(
        "incident-reports",
        _("Reports of incidents"),
        _(
            "What people found out about an incident: what happened, what it affected, why, what was done and what changes. One "
            "person writes it, another approves it. A correction is a new version or a note above it; the old text keeps its "
            "address."
        ),
        _("Written by people; the hash of each version stands beside it."),
        _("Once approved."),
    ),
    Definition(
        "restatements",
        _("Restatements"),
        _(
            "Figures of a closed minute, hour or day that changed afterwards, because a fill, a fee or an adjustment became "
            "known late: before, after and why. What is rounded is told where the rounded figure changed."
        ),
        _("Written when the figures change, and never changed again."),
        _("At once, or when the figure itself is told."),
    ),
    Definition(
        "reports",
        _("Daily and weekly reports"),
        _(
            "The public figures of a complete day or week (Sunday to Saturday, Indian/Maldives) with everything that was "
            "changed, stopped or published in it, written once. A report is never changed: what becomes known later is restated."
        ),
        _("The public tables of this portal."),
        _("Made at 00:10 in the Maldives, or as soon as the publication policy tells everything of the period."),
    ),
    Definition(
        "treasury",
        _("Treasury"),
        _(
            "What the labelled wallets hold of each asset. A day's balance is the last one observed on it; the total is told "
            "only where every wallet of the asset that was in use at its end was observed. No value in money is computed: the "
            "assets may not be sold at today's price in that amount."
        ),
        _("The chain, as the source beside each balance told it at that time; in the demonstration made up."),
        _("The time of each observation stands beside it."),
    ),
    Definition(
        "buybacks",
        _("Buybacks"),
        _(
            "A programme buys tokens back by turns, at least four hours apart and within its caps; the database refuses anything "
            "else. The independent reference is the larger of the best bid and the last trade of others: no price may be above "
            "it. Prices of a day are averages by quantity; what was paid includes fees. A turn that buys nothing says why."
        ),
        _("Written before an order is sent, and settled once when the venue has answered; in the demonstration made up."),
        _("Each turn once it is settled, as late as inventory is told; the charts by complete day."),
    ),
    Definition(
        "rewards",
        _("Rewards for liquidity"),
        _(
            "An epoch shares its budget, which never passes its cap, among those who provided liquidity. Score = uptime × depth "
            "× tightness − adverse selection, never below zero: the share of the time with quotes, the mean depth in quote "
            "units, how much narrower than allowed the quotes were, and what others lost to informed trades. A reward is the "
            "budget times the score divided by all scores, rounded down."
        ),
        _("The computation of the epoch, published with each reward; in the demonstration made up."),
        _("Once an epoch is over and computed."),
    ),
    Definition(
        "publication",
        _("Publication policy"),
        _(
            "How fine and how soon the public sees what would let it trade against the market maker. Making it finer or sooner "
            "needs two other people and a waiting time."
        ),
        _("The versions in the portal's database, which never change."),
        _("At once."),
    ),
    Definition(
        "jurisdictions",
        _("Rules by jurisdiction"),
        _(
            "Where visitors are shown a notice, or no figures about trading. Guarding less, or saying it in other words, needs "
            "two other people and a waiting time. Documents stay readable everywhere. A rule is our own caution and certifies "
            "nothing."
        ),
        _("The versions in the portal's database, which never change."),
        _("At once."),
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
