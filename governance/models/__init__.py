"""Tables of governance."""

from governance.models.access import GovernanceGenesis, RoleGrant, User
from governance.models.alerts import ContactChoice, DeskLook, HandOverNote, Notification, NotificationDelivery
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
    "ContactChoice",
    "DeskLook",
    "GovernanceGenesis",
    "HandOverNote",
    "Notification",
    "NotificationDelivery",
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
