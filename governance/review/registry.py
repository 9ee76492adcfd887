"""The kinds of change there are, each declared once."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from governance.review.errors import ReviewRefused
from governance.review.kinds.control import Control
from governance.review.kinds.credentials import Credentials
from governance.review.kinds.kind import Kind
from governance.review.kinds.parameters import Parameters
from governance.review.kinds.policy import PolicyChange
from governance.review.kinds.role_grant import RoleGrantChange
from governance.review.kinds.token import Token

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind for kind in (Parameters(), Control(), PolicyChange(), RoleGrantChange(), Credentials(), Token())
}


def register(kind: Kind) -> None:
    """Add a kind that an upper room brings, when its app is ready. Raises `ValueError` where another has its name."""
    if type(KINDS.setdefault(kind.name, kind)) is not type(kind):
        raise ValueError(f"there is a kind {kind.name} already")


def kind_named(name: str) -> Kind:
    """Raises `ReviewRefused` ("unknown_kind")."""
    if name not in KINDS:
        raise ReviewRefused("unknown_kind", _("There is no such kind of change."))
    return KINDS[name]
