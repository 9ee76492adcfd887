"""The kinds of change there are, each declared once."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused
from governance.review.kinds.account import Account
from governance.review.kinds.control import Control
from governance.review.kinds.credentials import Credentials
from governance.review.kinds.kind import Kind
from governance.review.kinds.limits import Limits
from governance.review.kinds.parameters import Parameters
from governance.review.kinds.policy import PolicyChange
from governance.review.kinds.registry import Registry
from governance.review.kinds.role_grant import RoleGrantChange
from governance.review.kinds.token import Token

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Parameters(),
        Limits(),
        Registry(),
        Control(),
        PolicyChange(),
        RoleGrantChange(),
        Credentials(),
        Token(),
        Account(),
    )
}


def kind_named(name: str) -> Kind:
    """Raises `ReviewRefused` ("unknown_kind")."""
    if name not in KINDS:
        raise ReviewRefused("unknown_kind", _("There is no such kind of change."))
    return KINDS[name]
