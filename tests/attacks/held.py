"""A desk with something of every kind to attack, and what its governed tables hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection

from governance.access.actors import actor_of
from governance.access.grants import grant_role, revoke_role
from governance.access.roles import Role
from governance.models import ApiToken, Proposal, SecurityKey, TotpDevice, User
from tests.attacks.desk import TIMELOCK, Desk
from trading.controls.services import impose_lock, kill
from trading.models import NamedGate

DEX, CEX = "dct-usdt-dex", "gram-usdt-cex"
COUNTED = (
    "parameter_sets", "parameter_sets_history", "exposure_limits", "named_gates", "trading_controls", "locks", "proposals",
    "markets", "venues", "review_policies", "votes", "proposal_transitions", "role_grants", "users_groups",
    "users", "governance_genesis", "risk_directions", "api_tokens", "totp_devices", "security_keys", "users_user_permissions",
    "jurisdiction_rules", "publication_policies",
)  # fmt: skip


def governed() -> dict[str, str]:
    """What every governed table holds, as one hash a table."""
    with connection.cursor() as cursor:
        found = {}
        for table in COUNTED:
            cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


def _hold_people(desk: Desk) -> dict[str, int]:
    """Who is no more or never was of the desk, and what people sign in with; ids by name. Written while genesis is open."""
    now, people = desk.now(), desk.people
    made: dict[str, int] = {}
    desk.owner.execute("UPDATE governance_genesis SET is_open = true")
    for name in ("root", "closed"):
        made[name] = User.objects.create(username=name, is_staff=True, is_superuser=True, is_active=name == "root").pk
    former = User.objects.create(username="former")
    grant_role(former, Role.AUDITOR, authorised_by="genesis", reason="g", now=now)
    revoke_role(former, Role.AUDITOR, by_name="g", now=now)
    NamedGate.objects.create(name="live", is_open=False, reason="g", changed_at=now, changed_by="g")
    ApiToken.objects.create(
        person=people["olga"], name="bot", prefix="bot", secret_hash="", roles=["operator"], authorised_by="genesis",
        created_at=now, expires_at=now,
    )  # fmt: skip
    ApiToken.objects.update(revoked_at=now)
    TotpDevice.objects.create(person=people["anna"], sealed_secret="x", last_step=9, created_at=now)
    SecurityKey.objects.create(
        person=people["anna"],
        credential_id="x",
        public_key="x",
        sign_count=0,
        name="lost",
        created_at=now,
        revoked_at=now,
    )
    desk.owner.execute("UPDATE governance_genesis SET is_open = false")
    return made | {"former": former.pk}


def hold(desk: Desk) -> dict[str, Any]:
    """Put it there; ids and times by name."""
    now, people = desk.now(), desk.people
    made: dict[str, Any] = {name: person.pk for name, person in people.items()}
    made |= _hold_people(desk)
    ripe = desk.approved({"markets": {DEX: {"spread_floor_bps": "1"}}})
    desk.travel(TIMELOCK + timedelta(seconds=5))
    in_review = desk.in_review({"markets": {DEX: {"spread_floor_bps": "2"}}})
    desk.vote(desk.in_review({"markets": {DEX: {"spread_floor_bps": "3"}}}), "anna", "reject")
    desk.app.execute(
        "INSERT INTO votes (proposal_id, revision, voter_id, voter_name, choice, content_hash, reason, voted_at, method)"
        " SELECT id, revision, %s, '', 'approve', content_hash, '', now(), 'totp' FROM proposals WHERE id = %s",
        [made["anna"], in_review.pk],
    )
    waiting = desk.approved({"markets": {CEX: {"beta": "0.5"}}})
    now = desk.now()
    impose_lock(DEX, "paused", "hard_limit", "q 21 lots", imposed_by="quoting", now=now)
    impose_lock(DEX, "paused", "drawdown", "x", imposed_by="quoting", now=now, until=now + timedelta(hours=2))
    kill(DEX, actor=actor_of(people["olga"]), reason="emergency", idempotency_key="halt", now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM auth_group WHERE name = 'approver'")
        made["approvers"] = cursor.fetchone()[0]
    contents = dict(Proposal.objects.values_list("pk", "content_hash"))
    return made | {
        "ripe": ripe.pk, "in_review": in_review.pk, "waiting": waiting.pk, "content": contents[in_review.pk],
        "waiting_content": contents[waiting.pk], "now": now, "yesterday": now - timedelta(days=1),
        "tomorrow": now + timedelta(days=1),
    }  # fmt: skip
