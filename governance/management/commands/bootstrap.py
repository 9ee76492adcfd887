"""First rows of an empty database, by the owner role, once: afterwards genesis is closed for good."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from governance.access.demo import create_demo_people
from governance.access.grants import grant_role
from governance.access.roles import Role
from governance.models import GovernanceGenesis, Proposal, ReviewPolicy, User
from governance.review.demo import DemoProposals
from governance.review.demo_steps import DEMO_STEPS
from governance.review.policies import write_policy
from governance.review.starting_policy import DEMO_TIMELOCK_S, starting_policy
from trading.models import Market, TreasuryDeclaration
from trading.registry.services import GENESIS_ACTOR, declare_demo_desk
from trading.treasury.demo import declare_demo_treasury


class Command(BaseCommand):
    help = (
        "Writes the demonstration's markets, parameters, people, review policy and proposals into an empty database and closes "
        "genesis; does nothing once that is closed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="the demonstration desk on the sandbox venues")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["demo"]:
            raise CommandError("say what to write: --demo is the demonstration desk on the sandbox venues.")
        if settings.DATABASE_ROLE != "owner":
            raise CommandError("bootstrap runs as the owner role: DCMM_DB_ROLE=owner manage.py bootstrap --demo")
        with transaction.atomic():
            genesis = GovernanceGenesis.objects.select_for_update().get(pk=1)
            if genesis.is_open:
                self._write()
                genesis.is_open = False
                genesis.save(update_fields=["is_open"])

    def _write(self) -> None:
        """What is missing, so that a desk from before there was a genesis to close comes through as well."""
        if not Market.objects.exists():
            markets = declare_demo_desk(timezone.now())
            self.stdout.write(f"declared the markets {', '.join(markets)} with their starting parameters")
        if not TreasuryDeclaration.objects.exists():
            self.stdout.write(declare_demo_treasury(timezone.now()))
        people = create_demo_people(settings.DATA_DIRECTORY / "secrets" / "demo-people", timezone.now())
        if people:
            self.stdout.write(f"created the people {', '.join(people)}")
        if not ReviewPolicy.objects.exists():
            self._first_policy()
        if not Proposal.objects.exists():
            proposals = DemoProposals().write()
            self.stdout.write(f"made {len(proposals)} proposals of the demonstration, one in each state")
        for step in DEMO_STEPS:
            if said := step():
                self.stdout.write(said)

    def _first_policy(self) -> None:
        actor_id, actor_name = GENESIS_ACTOR
        policy = write_policy(
            starting_policy(DEMO_TIMELOCK_S),
            authorised_by="genesis",
            actor_id=actor_id,
            actor_name=actor_name,
            reason="First rules of the demonstration: a minute between approval and effect.",
            now=timezone.now(),
        )
        # A second role, so that there is one to take away again.
        compliance = User.objects.get(username=Role.COMPLIANCE.value)
        grant_role(
            compliance, Role.AUDITOR, authorised_by="genesis", reason="Held both offices at first.", now=timezone.now()
        )
        self.stdout.write(f"wrote version {policy.version} of the review policy")
