"""What each role may do with tables, functions and views, declared once. What is not declared stops the migration.

The application role owns nothing. `apply_grants` runs after every `migrate`, as the owner, and leaves exactly what stands here,
whatever default privileges a hosted server hands out. Row-level security is on for every table, with one policy, for the
application role: whoever else is given a right by mistake still sees and writes no row. It is not forced on the owner, who
migrates, whose views show the public aggregates, and as whom foreign keys are checked; nothing runs as the owner.
"""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

APP_ROLE = "dcmm_app"
READ_ROLE = "dcmm_read"
# Roles that Supabase brings, where they exist: those of its HTTP interface may read the public views, its service role nothing.
HOSTED_READERS = ("anon", "authenticated")
HOSTED_ROLES = (*HOSTED_READERS, "service_role")
PUBLIC_SCHEMA = "dcmm_public"
POLICY = "dcmm_application"

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
    "funding_reports": _GROWS,
    "volatility_snapshots": _GROWS,
    "mm_state": _GROWS,
    "parameter_sets_history": _GROWS,
    "exposure_limits_history": _GROWS,
    "command_receipts": _GROWS,
    "fills": "SELECT, INSERT, UPDATE (fee, fee_asset, fee_rate)",
    # state
    "positions": _CHANGES,
    "cash_balances": _CHANGES,
    "venue_cursors": _CHANGES,
    "orders": _CHANGES,
    "market_minutes": _CHANGES,
    "market_samples": "SELECT, INSERT, UPDATE (market_volume_quote)",
    "minute_changes": _ALL,
    "trading_controls": _CHANGES,
    "locks": _CHANGES,
    # a history of the way before proposals
    "resume_requests": _READ,
    "named_gates": _CHANGES,
    "parameter_sets": _CHANGES,
    "exposure_limits": _CHANGES,
    "trading_sessions": "SELECT, INSERT, UPDATE (peak, updated_at)",
    "fill_quarantine": _CHANGES,
    "outbox": _ALL,
    # the treasury: what people decide is read only until there is a governed way to change it
    "treasury_declaration": _READ,
    "treasury_wallets": _READ,
    "treasury_balances": _GROWS,
    "buyback_programmes": _READ,
    "buybacks": "SELECT, INSERT, UPDATE (outcome, reason, size, price, cost, reference, settled_at)",
    "reward_epochs": _READ,
    "reward_payouts": _GROWS,
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
    # what the public sees: sums that are kept, policy and restatements that stay
    "rollup_minutes": _ALL,
    "rollup_hours": _CHANGES,
    "rollup_days": _CHANGES,
    "rollup_progress": _CHANGES,
    "restatements": _GROWS,
    "publication_policies": _GROWS,
    "jurisdiction_rules": _GROWS,
    # what people are told, and leave for each other
    "notifications": "SELECT, INSERT, UPDATE (read_at)",
    "notification_deliveries": "SELECT, INSERT, UPDATE (state, attempts, next_attempt_at, last_error, sent_at)",
    "contact_choices": _CHANGES,
    "hand_over_notes": _GROWS,
    "desk_looks": _CHANGES,
    # disclosures: what was published, said about it and accepted stays
    "disclosure_drafts": _ALL,
    "disclosure_versions": _GROWS,
    "disclosure_notices": _GROWS,
    "disclosure_acknowledgements": _GROWS,
    "public_reports": _GROWS,
    # people and Django's own
    "users": _CHANGES,
    "users_groups": _ALL,
    # Nothing follows from a permission of Django's: nobody is given one.
    "users_user_permissions": _READ,
    # second factors and what opens a door
    "totp_devices": "SELECT, INSERT, DELETE, UPDATE (last_step)",
    "security_keys": "SELECT, INSERT, UPDATE (sign_count, last_used_at, revoked_at)",
    "recovery_codes": "SELECT, INSERT, DELETE, UPDATE (used_at)",
    "step_up_proofs": "SELECT, INSERT, UPDATE (used_at, proof_hash)",
    "person_sessions": "SELECT, INSERT, DELETE",
    "sign_in_links": "SELECT, INSERT, UPDATE (used_at)",
    "api_tokens": "SELECT, INSERT, UPDATE (secret_hash, last_used_at, revoked_at, revoked_by_name)",
    "auth_group": _READ,
    "auth_group_permissions": _READ,
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
    "buyback_settled_in_time(timestamp with time zone, timestamp with time zone)",
    "treasury_alone(integer, integer)",
)
PUBLIC_VIEWS = ("public_markets", "public_market_hours", "public_volume_days")


class UndeclaredTable(Exception):
    """A table or function exists for which nobody decided what the application may do with it."""


def tables(cursor: CursorWrapper) -> set[str]:
    """Ordinary and partitioned tables of the schema; partitions are reached through their parents only."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    )
    return {row[0] for row in cursor.fetchall()}


def functions(cursor: CursorWrapper) -> dict[str, bool]:
    """The owner's functions of the schema by signature, and whether each only serves triggers."""
    cursor.execute(
        "SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = 'public' AND pg_get_userbyid(p.proowner) = current_user"
    )
    return dict(cursor.fetchall())


def apply_grants(cursor: CursorWrapper) -> None:
    """Make the roles' rights exactly the declared ones. Raises `UndeclaredTable` before anything is changed."""
    present, found = tables(cursor), functions(cursor)
    _refuse_undeclared(cursor, present, found)
    others = ", ".join([READ_ROLE, *_existing(cursor, HOSTED_ROLES)])
    everybody = f"{APP_ROLE}, {others}, PUBLIC"
    cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {everybody}")
    cursor.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {everybody}")
    for function in sorted(found):
        cursor.execute(f"REVOKE ALL ON FUNCTION {function} FROM {everybody}")
    _close_the_future(cursor, others)
    for table in sorted(present):
        cursor.execute(f'GRANT {GRANTS[table]} ON "{table}" TO {APP_ROLE}')
    for sequence in SEQUENCES:
        cursor.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {APP_ROLE}")
    for function in FUNCTIONS:
        cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {APP_ROLE}")
    _open_guards(cursor)
    _secure_rows(cursor)
    _open_public_views(cursor)


def _open_guards(cursor: CursorWrapper) -> None:
    """The guards' functions run with the rights of whoever changes a row: the application must be able to call them."""
    cursor.execute(f"GRANT USAGE ON SCHEMA governance TO {APP_ROLE}")
    cursor.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA governance FROM PUBLIC")
    cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA governance TO {APP_ROLE}")


def _refuse_undeclared(cursor: CursorWrapper, present: set[str], found: dict[str, bool]) -> None:
    if undeclared := sorted(present - GRANTS.keys()):
        raise UndeclaredTable(
            f"declare in dcmm_portal/database_grants.py what the application may do with: {undeclared}"
        )
    cursor.execute("SELECT to_regprocedure(name)::text FROM unnest(%s::text[]) AS name", [list(FUNCTIONS)])
    declared = {row[0] for row in cursor.fetchall()}
    if unknown := sorted(name for name, is_trigger in found.items() if not is_trigger and name not in declared):
        raise UndeclaredTable(f"declare in dcmm_portal/database_grants.py whether the application may call: {unknown}")


def _existing(cursor: CursorWrapper, roles: tuple[str, ...]) -> list[str]:
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) ORDER BY rolname", [list(roles)])
    return [row[0] for row in cursor.fetchall()]


def _close_the_future(cursor: CursorWrapper, others: str) -> None:
    """What the owner makes later (a day's partition) starts with no rights for anybody else."""
    for kind in ("TABLES", "SEQUENCES"):
        cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON {kind} FROM {APP_ROLE}, {others}")
    cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM {APP_ROLE}, {others}")
    # Everybody may call a new function by PostgreSQL's own default, which is not the schema's.
    cursor.execute("ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC")
    cursor.execute(f"REVOKE ALL ON SCHEMA public FROM {others}, PUBLIC")
    cursor.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}, {READ_ROLE}")


def _secure_rows(cursor: CursorWrapper) -> None:
    """Row-level security wherever it is not on yet (each change waits for everybody else), with the application's policy.

    A partition has no policy: rows are reached through its parent, whose policy counts.
    """
    cursor.execute(
        "SELECT c.relname, c.relrowsecurity, c.relispartition OR EXISTS "
        "(SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = %s) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY c.relname",
        [POLICY],
    )
    for table, is_secured, is_settled in cursor.fetchall():
        if not is_settled:
            cursor.execute(f'CREATE POLICY {POLICY} ON "{table}" TO {APP_ROLE} USING (true) WITH CHECK (true)')
        if not is_secured:
            cursor.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')


def _open_public_views(cursor: CursorWrapper) -> None:
    """The public aggregates: to the portal's own roles in their schema, to a hosted server's readers in one of its own."""
    readers = _existing(cursor, HOSTED_READERS)
    for view in PUBLIC_VIEWS:
        cursor.execute(f"GRANT SELECT ON {view} TO {APP_ROLE}, {READ_ROLE}")
    everybody = ", ".join([*_existing(cursor, HOSTED_ROLES), "PUBLIC"])
    cursor.execute(f"REVOKE ALL ON SCHEMA {PUBLIC_SCHEMA} FROM {everybody}")
    cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA {PUBLIC_SCHEMA} FROM {everybody}")
    for reader in readers:
        cursor.execute(f"GRANT USAGE ON SCHEMA {PUBLIC_SCHEMA} TO {reader}")
        for view in PUBLIC_VIEWS:
            cursor.execute(f"GRANT SELECT ON {PUBLIC_SCHEMA}.{view.removeprefix('public_')} TO {reader}")
