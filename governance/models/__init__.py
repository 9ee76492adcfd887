"""Tables of governance."""

from governance.models.access import User
from governance.models.doors import ApiToken, PersonSession, SignInLink
from governance.models.factors import RecoveryCode, SecurityKey, StepUpProof, TotpDevice

__all__ = [
    "ApiToken",
    "PersonSession",
    "RecoveryCode",
    "SecurityKey",
    "SignInLink",
    "StepUpProof",
    "TotpDevice",
    "User",
]
