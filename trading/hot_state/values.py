"""What the hot state holds, as values; `codec` turns them into JSON and refuses what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class HotLevel:
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class HotTrade:
    trade_id: str
    side: str
    price: Decimal
    size: Decimal
    venue_ns: int


@dataclass(frozen=True, slots=True)
class HotDepth:
    """Quote value resting within `band_pct` of the mid on each side, and our part of it, from the whole assembled book.

    `is_complete` False: the venue tells less of its book than the band spans; it then holds at least this.
    """

    band_pct: Decimal
    bid: Decimal
    ask: Decimal
    our_bid: Decimal
    our_ask: Decimal
    is_complete: bool


@dataclass(frozen=True, slots=True)
class HotMinuteVolume:
    """Quote value of every print of one minute (venue clock). `is_whole`: the feed was there from its start to its end."""

    minute_ns: int
    quote: Decimal
    is_whole: bool


@dataclass(frozen=True, slots=True)
class MarketView:
    """One market as market_data sees it at `published_ns` (wall clock of that process).

    `bids`/`asks` are the best levels of the venue's book (own quantity included), `ext_bid`/`ext_ask` the best foreign prices
    (own quantity taken out), `depth` the value of the whole book near the mid, up to half a second older than the rest.
    `proof_age_s` is the age of the last proof of life at the time of publishing, so that a reader's feed age is
    `proof_age_s + (now - published)`. `reference_source` is one of book, last_trade, other_market, none. Sigma is relative,
    per √s. Of a perpetual, `funding_rate` is what a long pays at `funding_ns` (venue clock), a fraction of the notional.
    """

    slug: str
    published_ns: int
    book_seq: int
    book_changed_ns: int
    book_ok: bool  # False: empty, crossed, or being resynchronised
    bids: tuple[HotLevel, ...]
    asks: tuple[HotLevel, ...]
    ext_bid: Decimal | None
    ext_ask: Decimal | None
    reference: Decimal | None
    reference_source: str
    reference_age_s: float
    rolling_mid: Decimal | None
    proof_age_s: float
    sigma_raw: float
    sigma_effective: float
    regime: str
    is_warm: bool
    vol_samples: int
    clock_skew_ms: float
    venue_ns: int | None
    trades: tuple[HotTrade, ...] = ()
    connected: bool = True
    problem: str = (
        ""  # coded, for the sentence on the page: "", disconnected, stale_book, auth_rejected, unknown_market, ...
    )
    reference_widen: float = 1.0  # factor on the spread while a fallback source gives the reference
    depth: tuple[HotDepth, ...] = ()
    funding_rate: Decimal | None = None
    funding_ns: int | None = None
    volumes: tuple[HotMinuteVolume, ...] = ()  # of the last minutes, the running one last


@dataclass(frozen=True, slots=True)
class HotPosition:
    """Committed position of one market, as of `ledger_seq`; amounts in base (`q`) and quote."""

    slug: str
    ledger_seq: int
    q: Decimal
    cost_basis: Decimal
    realised: Decimal
    cash_flow: Decimal
    fees: Decimal
    fills: int
    funding: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class HotOrder:
    """An own order that may rest or fill. `status` as in models.Order; `gone_ns` > 0 once it is done (kept 2 s for netting,
    and until inventory shows all that it filled)."""

    client_order_id: str
    venue_order_id: str
    side: str
    level: int
    epoch: int
    price: Decimal
    size: Decimal
    filled: Decimal
    status: str
    deadline_ns: int
    updated_ns: int
    amend_price: Decimal | None = None
    amend_size: Decimal | None = None
    gone_ns: int = 0
    settled_filled: Decimal = Decimal(0)  # the part of `filled` that inventory is known to contain
    ended_by: str = ""  # why the venue ended it, in its word: "cancel_after" is its own timer
    foreign: str = ""  # nobody here sent it: "cancel" (it goes) or "adopt" (it is left, and counts), by policy

    @property
    def resting(self) -> Decimal:
        """Base quantity that rests on the venue's book for all we know; 0 for intents, unknown and done orders."""
        left = self.size - self.filled
        rests = self.status in ("LIVE", "CANCEL_PENDING") and not self.gone_ns
        return left if rests and left > 0 else Decimal(0)


@dataclass(frozen=True, slots=True)
class CycleStatus:
    """The last quoting cycle of a market. `sentence_key` + `sentence_args` make the one sentence (translated where shown)."""

    slug: str
    at_ns: int
    cycle_id: str
    outcome: str  # quoting, one_sided, not_quoting, error, busy
    reason: str  # coded; "" when quoting on both sides
    state: str  # effective trading state
    sentence_key: str
    sentence_args: dict[str, str] = field(default_factory=dict)
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    reservation: float | None = None
    spread_bps: float | None = None
    skew_bps: float | None = None
    parameter_version: int | None = None
    epoch: int | None = None
    duration_ms: float = 0.0
    decision_id: int | None = None
    fired: tuple[str, ...] = ()  # coded reasons of every rule that fired
    own_orders: tuple[str, ...] | None = None  # ids that the hot state held at the end; None: not known
    rejects_in_a_row: int = 0  # requests that the venue refused since it last accepted one
    requests_minute: int = 0  # the minute (since the epoch) in which `requests` orders and amends were sent
    requests: int = 0
    gap_since_ns: int = 0  # since when the venue's balance and our inventory have differed; 0: they do not


@dataclass(frozen=True, slots=True)
class HotMarkouts:
    """Mean markout of our last fills on the market's horizon (bps, positive is good for us), as of `at_ns`."""

    slug: str
    at_ns: int
    mean_bps: float | None
    fills: int


@dataclass(frozen=True, slots=True)
class RawFill:
    """A fill on its way to the ledger, from whatever source. `fee` None: not told yet. `realised_pnl`: what the venue settled
    of a perpetual (quote), None for spot."""

    market: str
    venue: str
    account: str
    symbol: str
    trade_id: str
    order_id: str
    client_order_id: str
    side: str
    price: Decimal
    size: Decimal
    maker: bool
    fee: Decimal | None
    fee_asset: str | None
    venue_ns: int
    source: str  # stream, poll, webhook, ack, reconcile
    received_ns: int
    realised_pnl: Decimal | None = None

    @property
    def key(self) -> str:
        """The identity under which it is counted once."""
        return "|".join((self.venue, self.account, self.symbol, self.trade_id, self.order_id))


@dataclass(frozen=True, slots=True)
class RawTransfer:
    """A deposit (positive) or withdrawal (negative) on its way to the ledger."""

    venue: str
    account: str
    transfer_id: str
    asset: str
    amount: Decimal
    venue_ns: int
    source: str
    received_ns: int


@dataclass(frozen=True, slots=True)
class RawFunding:
    """Funding of a perpetual on its way to the ledger, received (positive) or paid; counted once by venue, account, symbol and
    `payment_id`."""

    market: str
    venue: str
    account: str
    symbol: str
    payment_id: str
    asset: str
    amount: Decimal
    mark_price: Decimal | None
    venue_ns: int
    source: str  # poll, reconcile
    received_ns: int


@dataclass(frozen=True, slots=True)
class CursorMove:
    """The history of `account` was read up to `cursor` on `channel`; booked after everything appended before it."""

    account: str
    channel: str  # fills, transfers, funding
    cursor: str


@dataclass(frozen=True, slots=True)
class HotBalance:
    total: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class HotBalances:
    """What the venue said an account holds when it was read at `read_ns` (our wall clock); by asset id. `positions`: signed
    base quantity on its perpetuals, by market; flat ones may be missing."""

    account: str
    read_ns: int
    assets: dict[str, HotBalance]
    positions: dict[str, Decimal] = field(default_factory=dict)

    def free(self, asset: str) -> Decimal:
        """Free amount of `asset`; 0 where the venue listed none."""
        held = self.assets.get(asset)
        return held.free if held else Decimal(0)

    def total(self, asset: str) -> Decimal:
        """Whole amount of `asset`, held for orders included; 0 where the venue listed none."""
        held = self.assets.get(asset)
        return held.total if held else Decimal(0)


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One second of a market for charts: reference, our quotes, inventory (base), P&L (quote). None: not known."""

    at_ns: int
    mid: Decimal | None
    bid: Decimal | None
    ask: Decimal | None
    inventory: Decimal | None
    realised: Decimal | None
    unrealised: Decimal | None
    state: str = ""
