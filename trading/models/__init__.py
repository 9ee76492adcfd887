"""Every table of trading, one module per room. Rooms import models, never the reverse."""

from trading.models.controls import LeaseEpoch, Lock, NamedGate, ResumeRequest, TradingControl
from trading.models.events import CommandReceipt, Event, OutboxEntry
from trading.models.ledger import (
    CashBalance,
    CashMovement,
    Fill,
    FillQuarantine,
    FundingReport,
    MmState,
    Position,
    ReconciliationReport,
    VenueCursor,
)
from trading.models.market_data import VolatilitySnapshot
from trading.models.orders import Order
from trading.models.parameters import ExposureLimit, ParameterSet
from trading.models.quoting import Decision, DecisionBatch, MarketMinute
from trading.models.registry import KNOWN_GATES, Asset, AssetAlias, Market, Venue, VenueAccount
from trading.models.risk import TradingSession
from trading.models.samples import MarketSample, MinuteChange
from trading.models.treasury import (
    Buyback,
    BuybackProgramme,
    RewardEpoch,
    RewardPayout,
    TreasuryBalance,
    TreasuryDeclaration,
    TreasuryWallet,
)

__all__ = [
    "KNOWN_GATES",
    "Asset",
    "AssetAlias",
    "Buyback",
    "BuybackProgramme",
    "CashBalance",
    "CashMovement",
    "CommandReceipt",
    "Decision",
    "DecisionBatch",
    "Event",
    "ExposureLimit",
    "Fill",
    "FillQuarantine",
    "FundingReport",
    "LeaseEpoch",
    "Lock",
    "Market",
    "MarketMinute",
    "MarketSample",
    "MinuteChange",
    "MmState",
    "NamedGate",
    "Order",
    "OutboxEntry",
    "ParameterSet",
    "Position",
    "ReconciliationReport",
    "ResumeRequest",
    "RewardEpoch",
    "RewardPayout",
    "TradingControl",
    "TradingSession",
    "TreasuryBalance",
    "TreasuryDeclaration",
    "TreasuryWallet",
    "Venue",
    "VenueAccount",
    "VenueCursor",
    "VolatilitySnapshot",
]
