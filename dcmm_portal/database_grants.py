"""What the application role may do with each table, declared once. A table that is not declared stops the migration.

The application role owns nothing. `apply_grants` runs after every `migrate`, as the owner, and leaves exactly what stands here.
"""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

APP_ROLE = "dcmm_app"
READ_ROLE = "dcmm_read"

_READ = "SELECT"
_GROWS = "SELECT, INSERT"
_CHANGES = "SELECT, INSERT, UPDATE"
_ALL = "SELECT, INSERT, UPDATE, DELETE"

GRANTS: dict[str, str] = {
    # tables of record
    "events": _GROWS,
    "cash_movements": _GROWS,
    "decisions": _GROWS,
    "decision_batches": _GROWS,
    "lease_epochs": _GROWS,
    "reconciliation_reports": _GROWS,
    "volatility_snapshots": _GROWS,
    "mm_state": _GROWS,
    "parameter_sets_history": _GROWS,
    "command_receipts": _GROWS,
    "fills": "SELECT, INSERT, UPDATE (fee, fee_asset, fee_rate)",
    # state
    "positions": _CHANGES,
    "cash_balances": _CHANGES,
    "venue_cursors": _CHANGES,
    "orders": _CHANGES,
    "market_minutes": _CHANGES,
    "trading_controls": _CHANGES,
    "locks": _CHANGES,
    "resume_requests": "SELECT, INSERT, UPDATE (outcome, decided_by_id, decided_by_name, decided_at, decision_reason)",
    "named_gates": _CHANGES,
    "parameter_sets": _CHANGES,
    "exposure_limits": _CHANGES,
    "trading_sessions": "SELECT, INSERT, UPDATE (peak, updated_at)",
    "fill_quarantine": _CHANGES,
    "outbox": _ALL,
    # identity
    "assets": _CHANGES,
    "asset_aliases": _CHANGES,
    "venues": _CHANGES,
    "venue_accounts": _CHANGES,
    "markets": _CHANGES,
    # review: what was said and done stays; a grant of a role ends once
    "review_policies": _GROWS,
    "proposals": _CHANGES,
    "votes": _GROWS,
    "proposal_comments": _GROWS,
    "proposal_transitions": _GROWS,
    "proposal_previews": "SELECT, INSERT, UPDATE (proposal_id)",
    "role_grants": "SELECT, INSERT, UPDATE (revoked_at, revoked_by_name)",
    "risk_directions": _READ,
    "governance_genesis": _READ,
    # what people are told, and leave for each other
    "notifications": "SELECT, INSERT, UPDATE (read_at)",
    "notification_deliveries": "SELECT, INSERT, UPDATE (state, attempts, next_attempt_at, last_error, sent_at)",
    "contact_choices": _CHANGES,
    "hand_over_notes": _GROWS,
    "desk_looks": _CHANGES,
    # people and Django's own
    "users": _CHANGES,
    "users_groups": _ALL,
    "users_user_permissions": _ALL,
    # second factors and what opens a door
    "totp_devices": "SELECT, INSERT, DELETE, UPDATE (last_step)",
    "security_keys": "SELECT, INSERT, UPDATE (sign_count, last_used_at, revoked_at)",
    "recovery_codes": "SELECT, INSERT, DELETE, UPDATE (used_at)",
    "step_up_proofs": "SELECT, INSERT, UPDATE (used_at, proof_hash)",
    "person_sessions": "SELECT, INSERT, DELETE",
    "sign_in_links": "SELECT, INSERT, UPDATE (used_at)",
    "api_tokens": "SELECT, INSERT, UPDATE (last_used_at, revoked_at, revoked_by_name)",
    "auth_group": _CHANGES,
    "auth_group_permissions": _ALL,
    "auth_permission": _READ,
    "django_content_type": _READ,
    "django_migrations": _READ,
    "django_session": _ALL,
    "django_admin_log": _GROWS,
}
SEQUENCES = ("lease_epoch_seq",)
FUNCTIONS = (
    "ensure_decision_partitions(integer)",
    "order_gate(text, text, bigint, bigint, integer, text, timestamptz, jsonb, text[], text[])",
)
PUBLIC_VIEWS = ("public_markets", "public_market_hours", "public_volume_days")


class UndeclaredTable(Exception):
    """A table exists for which nobody decided what the application may do with it."""


def tables(cursor: CursorWrapper) -> set[str]:
    """Ordinary and partitioned tables of the schema; partitions are reached through their parents only."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    )
    return {row[0] for row in cursor.fetchall()}


def apply_grants(cursor: CursorWrapper) -> None:
    """Make the roles' rights exactly the declared ones. Raises `UndeclaredTable` before anything is changed."""
    present = tables(cursor)
    if undeclared := sorted(present - GRANTS.keys()):
        raise UndeclaredTable(
            f"declare in dcmm_portal/database_grants.py what the application may do with: {undeclared}"
        )
    cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP_ROLE}, {READ_ROLE}, PUBLIC")
    for table in sorted(present):
        cursor.execute(f'GRANT {GRANTS[table]} ON "{table}" TO {APP_ROLE}')
    for sequence in SEQUENCES:
        cursor.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {APP_ROLE}")
    for function in FUNCTIONS:
        cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP_ROLE}")
    for view in PUBLIC_VIEWS:
        cursor.execute(f"GRANT SELECT ON {view} TO {APP_ROLE}, {READ_ROLE}")
