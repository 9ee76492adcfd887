"""The demonstration's treasury: made up, from a seed, and marked in every row. Ninety days of wallets, buybacks and rewards that
add up: what was bought left one wallet and reached it, what was rewarded left another."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from hashlib import sha256
from typing import Final

from django.db import transaction

from trading.events.services import record
from trading.models import (
    Buyback,
    BuybackProgramme,
    Market,
    RewardEpoch,
    RewardPayout,
    TreasuryBalance,
    TreasuryDeclaration,
    TreasuryWallet,
)
from trading.models.treasury import DEMONSTRATION
from trading.treasury.rules import Quality, SkipReason, score, shared_out

SEED: Final = 20_260_101
DAYS: Final = 90
SOURCE: Final = DEMONSTRATION
MARKET: Final = "dct-usdt-dex"
WALLETS: Final = (
    ("demo-reserve", "Reserve", "reserve", {"dct": 42_000_000, "gram": 18_500, "usdt": 265_000}),
    ("demo-buybacks", "Buybacks", "buybacks", {"dct": 0, "usdt": 60_000}),
    ("demo-rewards", "Rewards for liquidity", "rewards", {"dct": 900_000}),
)
# What liquidity providers of the demonstration did: uptime, mean depth, tightness, adverse selection.
PARTICIPANTS: Final = (
    ("demo-provider-1", "0.982", "14200", "0.71", "310"),
    ("demo-provider-2", "0.914", "8600", "0.64", "145"),
    ("demo-provider-3", "0.731", "3900", "0.52", "88"),
    ("demo-provider-4", "0.402", "1500", "0.18", "260"),
)
EPOCH_DAYS: Final = 28
EPOCH_CAP: Final = Decimal(150_000)
EPOCH_BUDGETS: Final = (Decimal(120_000), Decimal(135_000), Decimal(150_000))
EXECUTION_CAP: Final = Decimal(400)
_DCT_STEP: Final = Decimal("0.001")
_USDT_STEP: Final = Decimal("0.000001")
_SKIPS: Final = (
    SkipReason.BLACKOUT, SkipReason.OWN_QUOTE_AT_REFERENCE, SkipReason.VOLUME_CAP, SkipReason.PRICE_ABOVE_REFERENCE,
    SkipReason.NO_REFERENCE,
)  # fmt: skip


class AlreadyDeclared(Exception):
    """This installation's treasury is declared already, as real or as a demonstration."""


@dataclass
class _Story:
    """What moves the balances, by moment: (at, wallet, asset, change)."""

    first: datetime
    dice: random.Random
    moves: list[tuple[datetime, str, str, Decimal]] = field(default_factory=list)


def demo_address(name: str) -> str:
    """An address on no chain: the hash of words, to which nobody has a key."""
    return f"0:{sha256(f'DCMM demonstration {name}'.encode()).hexdigest()}"


def declare_demo_treasury(now: datetime) -> str:
    """Write it, with its event, in one transaction; says what was written. For the owner role while genesis is open (the database
    refuses everybody else). Raises `AlreadyDeclared`."""
    with transaction.atomic():
        if TreasuryDeclaration.objects.exists():
            raise AlreadyDeclared("the treasury is declared already: made-up rows never stand beside real ones")
        TreasuryDeclaration.objects.create(is_demo=True, declared_at=now)
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        story = _Story(midnight - timedelta(days=DAYS), random.Random(SEED))
        wallets = _wallets(story.first)
        turns = _buybacks(story, wallets["demo-buybacks"], midnight)
        epochs = _rewards(story)
        _costs(story)
        balances = _balances(story, wallets, midnight)
        told = {"is_demo": True, "wallets": len(wallets), "balances": balances, "buybacks": turns, "epochs": epochs}
        record("treasury:declaration", "treasury_declaration.written", told, actor_name="bootstrap", occurred_at=now)
    return f"made up a treasury of {len(wallets)} wallets, {turns} turns of buybacks and {epochs} epochs of rewards"


def _wallets(at: datetime) -> Mapping[str, TreasuryWallet]:
    return {
        slug: TreasuryWallet.objects.create(
            slug=slug, label=label, address=demo_address(slug), network=DEMONSTRATION, purpose=purpose, is_demo=True,
            registered_at=at,
        )
        for slug, label, purpose, _held in WALLETS
    }  # fmt: skip


def _buybacks(story: _Story, wallet: TreasuryWallet, until: datetime) -> int:
    """Two turns a day for two months, up to an hour late each; about every sixth buys nothing, and says why."""
    market = Market.objects.get(slug=MARKET)
    starts_at = until - timedelta(days=60)
    programme = BuybackProgramme.objects.create(
        slug="demo-programme", purpose="Made up for the demonstration: buys DCT back in small parts.", market=market,
        wallet=wallet, execution_cap_quote=EXECUTION_CAP, day_cap_quote=3 * EXECUTION_CAP,
        total_cap_quote=Decimal(50_000), interval_s=8 * 3600, status="active", starts_at=starts_at,
        ends_at=until + timedelta(days=30), is_demo=True,
    )  # fmt: skip
    reference, venue = Decimal("0.2210"), market.account.venue.slug
    for turn in range(120):
        at = starts_at + timedelta(hours=12 * turn + 6, seconds=story.dice.randrange(3600))
        reference = (reference * Decimal(str(round(1 + story.dice.gauss(0.0006, 0.009), 6)))).quantize(_USDT_STEP)
        row = Buyback(programme=programme, at=at, venue=venue, reference_price=reference, settled_at=at, is_demo=True)
        if story.dice.random() < 0.17:
            row.outcome, row.reason = "skipped", story.dice.choice(_SKIPS).value
            if row.reason == SkipReason.NO_REFERENCE:
                row.reference_price = None
        else:
            _bought(row, story)
        row.save()
    return 120


def _bought(row: Buyback, story: _Story) -> None:
    """An execution at or a little below the reference, and what it moved."""
    reference = row.reference_price or Decimal(0)
    price = (reference * Decimal(str(round(1 - story.dice.random() * 0.002, 6)))).quantize(_USDT_STEP, ROUND_DOWN)
    wanted = Decimal(story.dice.randrange(180, 390))
    size = (wanted / price).quantize(_DCT_STEP, ROUND_DOWN)
    cost = (size * price * Decimal("1.001")).quantize(_USDT_STEP)
    row.outcome, row.price, row.size, row.cost, row.most_cost = "executed", price, size, cost, EXECUTION_CAP
    row.reference = f"demo-{sha256(f'buyback {row.at.isoformat()}'.encode()).hexdigest()[:24]}"
    row.settled_at = row.at + timedelta(seconds=story.dice.randrange(2, 40))
    story.moves += [(row.at, "demo-buybacks", "usdt", -cost), (row.at, "demo-buybacks", "dct", size)]


def _rewards(story: _Story) -> int:
    """Three epochs, computed a day after their end by the portal's own formula."""
    for number, budget in enumerate(EPOCH_BUDGETS, 1):
        starts_at = story.first + timedelta(days=EPOCH_DAYS * (number - 1) + 2)
        ends_at = starts_at + timedelta(days=EPOCH_DAYS)
        at = ends_at + timedelta(hours=26)
        epoch = RewardEpoch.objects.create(
            number=number, starts_at=starts_at, ends_at=ends_at, asset_id="dct", cap=EPOCH_CAP, budget=budget,
            computed_at=at, is_demo=True,
        )  # fmt: skip
        qualities = {name: _quality(story, *measures) for name, *measures in PARTICIPANTS}
        scores = {name: score(quality) for name, quality in qualities.items()}
        for name, amount in shared_out(budget, scores, _DCT_STEP).items():
            quality = qualities[name]
            RewardPayout.objects.create(
                epoch=epoch, participant=demo_address(name), uptime_share=quality.uptime_share, score=scores[name],
                depth_quote=quality.depth_quote, tightness_share=quality.tightness_share, amount=amount, paid_at=at,
                adverse_selection_quote=quality.adverse_selection_quote, is_demo=True,
                reference=f"demo-{sha256(f'reward {number} {name}'.encode()).hexdigest()[:24]}",
            )  # fmt: skip
            story.moves.append((at, "demo-rewards", "dct", -amount))
    return len(EPOCH_BUDGETS)


def _costs(story: _Story) -> None:
    """What running costs, from the reserve: once a week in USDT, a little GRAM for the chain's fees every day."""
    for day in range(DAYS):
        at = story.first + timedelta(days=day, hours=9)
        fee = Decimal(story.dice.randrange(900, 2600)) / 1000
        story.moves.append((at, "demo-reserve", "gram", -fee))
        if day % 7 == 3:
            story.moves.append((at, "demo-reserve", "usdt", -Decimal(story.dice.randrange(1100, 1500))))


def _quality(story: _Story, uptime: str, depth: str, tightness: str, adverse: str) -> Quality:
    """The participant's usual, a few percent off."""
    part = Decimal(str(round(1 - 0.08 * story.dice.random(), 4)))
    loss = Decimal(str(round(0.8 + 0.4 * story.dice.random(), 4)))
    cent, share = Decimal("0.01"), Decimal("0.000001")
    return Quality(
        (Decimal(uptime) * part).quantize(share),
        (Decimal(depth) * part).quantize(cent),
        Decimal(tightness),
        (Decimal(adverse) * loss).quantize(cent),
    )


def _balances(story: _Story, wallets: Mapping[str, TreasuryWallet], until: datetime) -> int:
    """A snapshot of every wallet and asset at midnight UTC of each day, after everything that moved it before."""
    rows = []
    for slug, _label, _purpose, held in WALLETS:
        for asset, amount in held.items():
            moves = [(at, change) for at, wallet, moved, change in story.moves if (wallet, moved) == (slug, asset)]
            for day in range(1, DAYS + 1):
                at = story.first + timedelta(days=day)
                change = sum((change for moved_at, change in moves if moved_at <= at), Decimal(0))
                rows.append(
                    TreasuryBalance(
                        wallet=wallets[slug], asset_id=asset, amount=amount + change, observed_at=at, source=SOURCE, is_demo=True,
                    )
                )  # fmt: skip
    TreasuryBalance.objects.bulk_create(rows)
    return len(rows)
