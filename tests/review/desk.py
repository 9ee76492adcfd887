"""A desk with its people and a clock that moves only when told to; every verb with fresh keys."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from governance.access.grants import grant_role
from governance.access.roles import Role
from governance.models import Proposal, User
from governance.review import applying, clockwork, drafting, previewing, rollback, voting
from governance.review.errors import ReviewRefused
from governance.review.policies import write_policy
from governance.review.starting_policy import starting_policy
from governance.review.step_up import StepUp
from tests.review.clock import set_database_time
from tests.support.demo import declare_two_markets
from trading.models import Market, ParameterSet
from trading.parameters.services import apply_version, current_values

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEX, CEX = "dct-usdt-dex", "gram-usdt-cex"
# On the starting values of DEX (floor 5 bps, cap 60 bps, horizon 120 s): riskier, safer, and a small step of neither.
RISKIER = {"markets": {DEX: {"spread_floor_bps": "4"}}}
SAFER = {"markets": {DEX: {"spread_floor_bps": "6"}}}
SMALL = {"markets": {DEX: {"horizon_s": "124"}}}
# A sound change of every kind; the control's needs a lock of that rule on DEX.
ONE_OF_EACH = {
    "parameters": RISKIER,
    "limits": {"limits": {"asset:dct": {"hard_limit": "60000"}}},
    "registry": {"registry": {"asset:dct": {"name": "Dynamic token"}}},
    "control": {"scope": DEX, "rule": "hard_limit"},
    "policy": {"body": starting_policy(7200)},
    "role_grant": {"username": "audrey", "role": "approver", "action": "grant"},
    "credentials": {"username": "audrey", "what": "second_factor"},
    "token": {"username": "audrey", "name": "export", "roles": ["auditor"], "days": "30"},
    "account": {"username": "audrey", "action": "close"},
    "publication": {"delay_s": "30"},
    "jurisdiction": {"country": "MV", "mode": "none"},
}
PEOPLE = {
    "opal": (Role.OPERATOR,),
    "oscar": (Role.OPERATOR,),
    "anna": (Role.APPROVER,),
    "ben": (Role.APPROVER,),
    "cara": (Role.APPROVER,),
    "gus": (Role.COMPLIANCE,),
    "ada": (Role.ADMINISTRATOR,),
    "audrey": (Role.AUDITOR,),
    "ivy": (Role.INVESTOR,),
}
_keys = itertools.count(1)


def key() -> str:
    return f"test-{next(_keys)}"


@dataclass
class Desk:
    now: datetime = T0
    people: dict[str, User] = field(default_factory=dict)

    def at(self, now: datetime) -> None:
        self.now = now
        self.forward()

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        set_database_time(self.now)

    def person(self, name: str, *roles: Role) -> User:
        # No password: hashing one for each person of each test would take most of the time of the tests.
        person = User.objects.create(username=name, password=make_password(None), date_joined=self.now)
        for role in roles:
            grant_role(person, role, authorised_by="genesis", reason="first people", now=self.now)
        self.people[name] = person
        return person

    def propose(self, change: Any = RISKIER, by: str = "opal", kind: str = "parameters", **more: Any) -> Proposal:
        more = {"key": key(), "subject": None} | more
        return drafting.propose(self.people[by], kind, change=change, reason="tighter book", now=self.now, **more)

    def edit(self, proposal: Proposal, change: Any, by: str = "opal") -> Proposal:
        return drafting.edit(self.people[by], proposal.pk, change, "other value", key=key(), now=self.now)

    def preview(self, proposal: Proposal, by: str = "opal") -> Proposal:
        return previewing.attach_preview(self.people[by], proposal.pk, key=key(), now=self.now)

    def submit(self, proposal: Proposal, by: str = "opal", *, with_preview: bool = True) -> Proposal:
        draft = Proposal.objects.filter(pk=proposal.pk, state="DRAFT").first()
        if with_preview and draft is not None and draft.kind in previewing.PREVIEWS:
            self.preview(draft, by=draft.proposer_name)
        return drafting.submit(self.people[by], proposal.pk, key=key(), now=self.now)

    def vote(self, proposal: Proposal, by: str, choice: str = "approve", **more: Any) -> Proposal:
        content_hash = more.pop("content_hash", Proposal.objects.get(pk=proposal.pk).content_hash)
        used, shown = more.pop("key", key()), more.pop("step_up", StepUp("totp", self.now))
        person = User.objects.get(pk=self.people[by].pk)
        return voting.vote(person, proposal.pk, choice, content_hash, "looked at it", shown, key=used, now=self.now)

    def apply(self, proposal: Proposal) -> Proposal:
        return applying.apply(proposal.pk, now=self.now)

    def apply_at_once(self, proposal: Proposal, by: str = "opal", step_up: StepUp | None = None) -> Proposal:
        return applying.apply_at_once(self.people[by], proposal.pk, key=key(), now=self.now, step_up=step_up)

    def close(self, name: str, by: str = "ada") -> Proposal:
        draft = self.propose({"username": name, "action": "close"}, by, "account")
        return self.apply_at_once(draft, by, StepUp("totp", self.now))

    def revoke(self, name: str, role: str, by: str = "ada") -> Proposal:
        draft = self.propose({"username": name, "role": role, "action": "revoke"}, by, "role_grant")
        return self.apply_at_once(draft, by, StepUp("totp", self.now))

    def schedule(self, proposal: Proposal, at: datetime, by: str = "opal") -> Proposal:
        return applying.schedule(self.people[by], proposal.pk, at, key=key(), now=self.now)

    def withdraw(self, proposal: Proposal, by: str = "opal") -> Proposal:
        return drafting.withdraw(self.people[by], proposal.pk, "not needed", key=key(), now=self.now)

    def cancel(self, proposal: Proposal, by: str = "gus") -> Proposal:
        return applying.cancel(self.people[by], proposal.pk, "must not be", key=key(), now=self.now)

    def comment(self, proposal: Proposal, by: str, text: str = "why now?") -> Proposal:
        return drafting.comment(self.people[by], proposal.pk, text, key=key(), now=self.now)

    def review(self, proposal: Proposal, by: str = "anna") -> Proposal:
        person, shown = User.objects.get(pk=self.people[by].pk), StepUp("totp", self.now)
        return voting.review_reducing(person, proposal.pk, "fine", shown, key=key(), now=self.now)

    def roll_back(self, market: str, version: int, by: str = "opal") -> Proposal:
        return rollback.roll_back(self.people[by], market, version, "go back", key=key(), now=self.now)

    def in_review(self, change: Any = RISKIER, by: str = "opal", kind: str = "parameters") -> Proposal:
        return self.submit(self.propose(change, by, kind), by)

    def approved(self, change: Any = RISKIER, by: str = "opal", kind: str = "parameters") -> Proposal:
        proposal = self.in_review(change, by, kind)
        self.vote(proposal, "anna")
        return self.vote(proposal, "ben")

    def applied(self, change: Any = RISKIER, by: str = "opal", kind: str = "parameters") -> Proposal:
        proposal = self.approved(change, by, kind)
        self.forward(hours=1)
        return self.apply(proposal)

    def clockwork(self) -> None:
        clockwork.apply_due(self.now)
        clockwork.expire_due(self.now)
        clockwork.review_overdue(self.now)


def open_desk() -> Desk:
    """Markets, policy version 1 and people since yesterday."""
    desk = Desk(T0 - timedelta(days=1))
    desk.forward()
    declare_two_markets(desk.now)
    write_policy(
        starting_policy(),
        authorised_by="genesis",
        actor_id="bootstrap",
        actor_name="bootstrap",
        reason="first",
        now=desk.now,
    )
    for name, roles in PEOPLE.items():
        desk.person(name, *roles)
    desk.forward(days=1)
    return desk


def force_version(slug: str, values: dict[str, str], now: datetime) -> ParameterSet:
    """Another version of a market, without a proposal, while genesis is open."""
    row = ParameterSet.objects.get(market__slug=slug)
    return apply_version(
        Market.objects.get(slug=slug),
        {**current_values(row), **values},
        authorised_by="genesis",
        actor_id="bootstrap",
        actor_name="bootstrap",
        reason="moved under the proposal",
        now=now,
    )


def in_force(slug: str, name: str) -> str:
    return f"{getattr(ParameterSet.objects.get(market__slug=slug), name).normalize():f}"


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def failure(proposal: Proposal) -> str:
    return Proposal.objects.get(pk=proposal.pk).failure.split(":")[0]


def refused(code: str, call: Any, *args: Any, **kwargs: Any) -> None:
    """The call is refused with that code and a sentence."""
    with pytest.raises(ReviewRefused) as refusal:
        call(*args, **kwargs)
    assert (refusal.value.code, bool(str(refusal.value))) == (code, True)


def tamper(proposal: Proposal, **changes: Any) -> bool:
    """Write past the services; False where the database already refuses that."""
    try:
        with transaction.atomic():
            Proposal.objects.filter(pk=proposal.pk).update(**changes)
    except IntegrityError:
        return False
    return True
