"""Tables of governance."""

from governance.models.access import GovernanceGenesis, RoleGrant, User
from governance.models.review import (
    Proposal,
    ProposalComment,
    ProposalPreview,
    ProposalState,
    ProposalTransition,
    ReviewPolicy,
    RiskClass,
    RiskDirectionRow,
    Vote,
    VoteChoice,
)

__all__ = [
    "GovernanceGenesis",
    "Proposal",
    "ProposalComment",
    "ProposalPreview",
    "ProposalState",
    "ProposalTransition",
    "ReviewPolicy",
    "RiskClass",
    "RiskDirectionRow",
    "RoleGrant",
    "User",
    "Vote",
    "VoteChoice",
]
