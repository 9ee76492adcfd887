"""Tables of governance."""

from governance.models.access import GovernanceGenesis, RoleGrant, User
from governance.models.doors import ApiToken, PersonSession, SignInLink
from governance.models.factors import RecoveryCode, SecurityKey, StepUpProof, TotpDevice
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
    "ApiToken",
    "GovernanceGenesis",
    "PersonSession",
    "Proposal",
    "ProposalComment",
    "ProposalPreview",
    "ProposalState",
    "ProposalTransition",
    "RecoveryCode",
    "ReviewPolicy",
    "RiskClass",
    "RiskDirectionRow",
    "RoleGrant",
    "SecurityKey",
    "SignInLink",
    "StepUpProof",
    "TotpDevice",
    "User",
    "Vote",
    "VoteChoice",
]
