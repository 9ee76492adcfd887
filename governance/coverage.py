"""Who may write each column of the three apps, declared column by column: a new one fails `make check` until it is classed.

- governed: it decides what is traded, how much may be lost, or who may decide. It changes only as a guard of the database allows,
  and an attack in tests/attacks proves that.
- machine-written: what processes and services record or derive; nobody decides it.
- private: of a person, or a secret; no page, export or log shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.apps import apps

from trading.models.samples import DEPTH_COLUMNS
from trading.parameters.schema import SCHEMA

APPS: Final = ("trading", "governance", "disclosures")
_PARAMETERS: Final = " ".join(spec.name for spec in SCHEMA)


class ColumnClass(StrEnum):
    GOVERNED = "governed"
    MACHINE_WRITTEN = "machine-written"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class TableCoverage:
    """Column names of one table by class, apart by spaces. `inserts`: why a new row of a governed table needs no guard."""

    governed: str = ""
    machine: str = ""
    private: str = ""
    inserts: str = ""

    def classes(self) -> list[tuple[str, ColumnClass]]:
        """(column, class) in the order written."""
        parts = (
            (self.governed, ColumnClass.GOVERNED),
            (self.machine, ColumnClass.MACHINE_WRITTEN),
            (self.private, ColumnClass.PRIVATE),
        )
        return [(column, word) for text, word in parts for column in text.split()]


_VERSION: Final = "version values_hash authorised_by actor_id actor_name reason applied_at"

_MEASURES: Final = (
    "cycles two_sided_cycles one_sided_cycles samples market_spread_samples our_spread_samples depth_samples sigma_samples "
    "calm_samples normal_samples stressed_samples active_samples reducing_samples paused_samples halted_samples "
    "market_volume_minutes quoting_s one_sided_s market_spread_bps_sum our_spread_bps_sum sigma_sum market_volume_quote fills "
    "fees_pending movements bought_base sold_base bought_quote sold_quote fees_quote base_change cash_flow_quote "
    f"closing_reference_price {' '.join(DEPTH_COLUMNS)}"
)

COVERAGE: Final[dict[str, TableCoverage]] = {
    # What is traded with which parameters and limits.
    "parameter_sets": TableCoverage(f"market_id {_PARAMETERS} {_VERSION}", "id"),
    "parameter_sets_history": TableCoverage(
        f"market_id {_PARAMETERS} {_VERSION} history_user_id history_date history_change_reason history_type",
        "id history_id",
    ),
    "exposure_limits": TableCoverage(
        "scope key soft_limit hard_limit version authorised_by", "id actor_id actor_name reason applied_at"
    ),
    "exposure_limits_history": TableCoverage(
        "scope key soft_limit hard_limit version authorised_by actor_id actor_name reason applied_at history_user_id "
        "history_date history_change_reason history_type",
        "id history_id",
    ),
    "markets": TableCoverage(
        "slug account_id base_id quote_id venue_symbol lot_size instrument contract_value is_active source_label "
        "demanded_gates version "
        "authorised_by",
        "id",
    ),
    "venues": TableCoverage("slug name kind adapter version authorised_by", "id"),
    "venue_accounts": TableCoverage("venue_id slug version authorised_by", "id"),
    "assets": TableCoverage("id name decimals chain_address version authorised_by"),
    "asset_aliases": TableCoverage("asset_id ticker valid_from valid_until", "id note"),
    # What is allowed to trade now, and who ended what.
    "trading_controls": TableCoverage("scope state version authorised_by", "id reason actor_id actor_name changed_at"),
    "locks": TableCoverage(
        "scope state rule until lifted_at authorised_by", "id reason imposed_at imposed_by lifted_by lift_reason",
        inserts="a lock only makes things stricter",
    ),
    "resume_requests": TableCoverage(
        "scope rule lock_id control_version reason asked_by_id asked_by_name asked_at expires_at outcome decided_by_id "
        "decided_by_name decided_at decision_reason",
        "id",
    ),
    "named_gates": TableCoverage("name is_open", "id reason changed_at changed_by"),
    # The ledger and what happened.
    "fills": TableCoverage(
        machine="id market_id venue account symbol trade_id order_id client_order_id side price size maker fee fee_asset "
        "fee_rate realised_pnl parameter_version mid_at_fill source ledger_seq executed_at booked_at"
    ),
    "fill_quarantine": TableCoverage(
        machine="id venue account trade_key content_hash reason body seen_at resolved_at resolution"
    ),
    "positions": TableCoverage(
        machine="id market_id q cost_basis realised cash_flow funding fees bought sold volume fills ledger_seq updated_at"
    ),
    "cash_balances": TableCoverage(machine="id account_id asset_id amount"),
    "cash_movements": TableCoverage(
        machine="id account_id asset_id market_id kind key amount rate ledger_seq executed_at booked_at"
    ),
    "venue_cursors": TableCoverage(machine="id account_id channel cursor updated_at"),
    "orders": TableCoverage(
        machine="client_order_id market_id venue_order_id side level epoch price size amend_price amend_size filled status "
        "reason deadline_at correlation_id parameter_version created_at updated_at"
    ),
    "reconciliation_reports": TableCoverage(
        machine="id account_id at trigger equal differences watermark transfers_watermark duration_ms"
    ),
    "funding_reports": TableCoverage(
        machine="id account_id at equal payments booked_now differences duration_ms"
    ),
    "trading_sessions": TableCoverage(
        machine="id market_id day number opening_pnl opening_price peak updated_at"
    ),
    "mm_state": TableCoverage(
        machine="id market_id at ledger_seq state mid bid ask inventory realised unrealised sigma open_orders body"
    ),
    "volatility_snapshots": TableCoverage(
        machine="id market_id minute sigma_raw sigma_effective regime samples is_warm"
    ),
    "decisions": TableCoverage(
        machine="id at market cycle_id outcome reason parameter_version code_version inputs result orders epoch duration_ms"
    ),
    "decision_batches": TableCoverage(machine="id market first_at last_at cycles body"),
    "market_minutes": TableCoverage(machine="id market_id minute cycles two_sided one_sided spread_bps_sum"),
    "market_samples": TableCoverage(
        machine=f"id market_id minute sampled_at state regime sigma_per_sqrt_s reference_price reference_source "
        f"market_spread_bps our_spread_bps depth_is_complete market_volume_quote {' '.join(DEPTH_COLUMNS)}"
    ),
    "minute_changes": TableCoverage(machine="id market_id minute source"),
    "lease_epochs": TableCoverage(machine="epoch market owner granted_at"),
    "events": TableCoverage(
        machine="id aggregate aggregate_seq type payload actor_id actor_name correlation_id occurred_at"
    ),
    "outbox": TableCoverage(machine="event_id attempts last_error"),
    "command_receipts": TableCoverage(machine="key command fingerprint result actor_id created_at"),
    # The treasury.
    "treasury_declaration": TableCoverage("is_demo", "id declared_at"),
    "treasury_wallets": TableCoverage(
        "slug label address network purpose is_demo retired_at version authorised_by", "id registered_at"
    ),
    "treasury_balances": TableCoverage(machine="id wallet_id asset_id amount observed_at source block_seqno is_demo"),
    "buyback_programmes": TableCoverage(
        "slug purpose market_id wallet_id execution_cap_quote day_cap_quote total_cap_quote interval_s volume_share status "
        "starts_at ends_at is_demo version authorised_by",
        "id",
    ),
    "buybacks": TableCoverage(
        machine="id programme_id at outcome reason venue reference_price most_cost size price cost reference settled_at is_demo"
    ),
    "reward_epochs": TableCoverage(
        "number starts_at ends_at asset_id cap budget computed_at is_demo version authorised_by", "id"
    ),
    "reward_payouts": TableCoverage(
        machine="id epoch_id participant uptime_share depth_quote tightness_share adverse_selection_quote score amount paid_at "
        "reference is_demo"
    ),
    # Review.
    "review_policies": TableCoverage(
        "version body body_hash authorised_by reason actor_id actor_name applied_at", "id"
    ),
    "proposals": TableCoverage(
        "kind subject reason change base content_hash policy_version required risk_class state revision proposer_id "
        "proposer_name submitted_at decided_at scheduled_for not_before valid_until applied_at review_due_at reviewed_at",
        "id title risk_reasons created_at applied_by_name reviewed_by_name failure superseded_by_id rolls_back_to preview_hash "
        "preview_at is_demo",
    ),
    "votes": TableCoverage(
        "proposal_id revision voter_id voter_name choice content_hash reason voted_at method assertion", "id"
    ),
    "proposal_comments": TableCoverage(machine="id proposal_id author_id author_name text at"),
    "proposal_transitions": TableCoverage(
        machine="id proposal_id from_state to_state action actor_id actor_name reason revision at"
    ),
    "proposal_previews": TableCoverage(machine="id proposal_id subject change_hash body hash made_at"),
    "risk_directions": TableCoverage("parameter direction small_change"),
    "governance_genesis": TableCoverage("is_open", "id"),
    # What the public sees.
    "publication_policies": TableCoverage(
        "version delay_s inventory_step_share pnl_granularity_days quote_granularity_s authorised_by reason actor_id actor_name "
        "applied_at",
        "id",
    ),
    "jurisdiction_rules": TableCoverage(
        "country version mode scope notice_en notice_dv authorised_by reason actor_id actor_name applied_at", "id"
    ),
    "restatements": TableCoverage(machine="id market_id bucket starts_at measure before after causes at"),
    "rollup_progress": TableCoverage(machine="id closed_until minutes_kept_from rolled_at"),
    "rollup_minutes": TableCoverage(machine=f"id market_id starts_at {_MEASURES}"),
    "rollup_hours": TableCoverage(machine=f"id market_id starts_at {_MEASURES}"),
    "rollup_days": TableCoverage(machine=f"id market_id day starts_at ends_at {_MEASURES}"),
    # What people are told, and leave for each other.
    "notifications": TableCoverage(machine="id person_id event proposal_id facts created_at read_at"),
    "notification_deliveries": TableCoverage(
        machine="id notification_id channel state attempts next_attempt_at last_error sent_at"
    ),
    "contact_choices": TableCoverage(machine="id person_id language by_email", private="telegram_chat"),
    "hand_over_notes": TableCoverage(machine="id author_id author_name text at"),
    "desk_looks": TableCoverage(machine="id person_id looked_at"),
    # Disclosures.
    "disclosure_drafts": TableCoverage(machine="id kind content authors note revision proposal_id created_at updated_at"),
    "disclosure_versions": TableCoverage(
        "kind version content sha256 published_at effective_until review_due_on authorised_by author_name approver_name",
        "id pdf_en pdf_dv",
    ),
    "disclosure_notices": TableCoverage("version_id what text_en text_dv authorised_by at", "id"),
    "disclosure_acknowledgements": TableCoverage("version_id person_id sha256 at", "id"),
    "public_reports": TableCoverage(machine="id kind period_start period_end made_at content sha256 publication_version"),
    # People.
    "role_grants": TableCoverage(
        "user_id role granted_at authorised_by revoked_at", "id revoked_by_name reason"
    ),
    "users": TableCoverage(
        "username password is_active is_staff is_superuser credentials_changed_at roles_changed_at activated_at",
        "id date_joined",
        "email first_name last_name last_login",
    ),
    "users_groups": TableCoverage("user_id group_id", "id"),
    "totp_devices": TableCoverage("person_id", "id last_step created_at", "sealed_secret"),
    "security_keys": TableCoverage(
        "person_id credential_id public_key revoked_at", "id sign_count name created_at last_used_at"
    ),
    "recovery_codes": TableCoverage(machine="id person_id created_at used_at", private="code_hash"),
    "step_up_proofs": TableCoverage(
        machine="id person_id purpose content_hash method begun_at expires_at used_at proof_hash"
    ),
    "person_sessions": TableCoverage(machine="id person_id method begun_at", private="session_key"),
    "sign_in_links": TableCoverage(machine="id created_at expires_at used_at", private="email token_hash"),
    "api_tokens": TableCoverage(
        "person_id name roles authorised_by expires_at revoked_at",
        "id prefix created_at last_used_at revoked_by_name",
        "secret_hash",
    ),
    "users_user_permissions": TableCoverage("user_id permission_id", "id"),
}  # fmt: skip


def present_columns() -> dict[str, list[str]]:
    """Columns of every table of the apps, those of histories and of many-to-many relations included."""
    models: list[Any] = [
        model for label in APPS for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]
    return {
        model._meta.db_table: [field.column for field in model._meta.local_concrete_fields]
        for model in models
        if model._meta.managed and not model._meta.proxy
    }


def classification_problems(
    present: dict[str, list[str]], declared: dict[str, TableCoverage] | None = None
) -> list[str]:
    """What is not classed, classed twice, or classed and not there (any more)."""
    coverage = COVERAGE if declared is None else declared
    problems = [f"{table}: is not classed at all" for table in sorted(present.keys() - coverage.keys())]
    problems += [f"{table}: is classed and does not exist" for table in sorted(coverage.keys() - present.keys())]
    for table in sorted(present.keys() & coverage.keys()):
        named = [column for column, _ in coverage[table].classes()]
        problems += [f"{table}.{column}: is not classed" for column in present[table] if column not in named]
        problems += [
            f"{table}.{column}: is classed and does not exist" for column in named if column not in present[table]
        ]
        problems += [
            f"{table}.{column}: is classed twice" for column in sorted({one for one in named if named.count(one) > 1})
        ]
    return problems


def governed_columns() -> list[str]:
    """Every governed column as table.column, in the order declared."""
    return [
        f"{table}.{column}"
        for table, coverage in COVERAGE.items()
        for column, word in coverage.classes()
        if word is ColumnClass.GOVERNED
    ]
