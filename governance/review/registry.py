"""The kinds of change there are, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.models import Proposal
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
# kind → the address of the page on which a change of it is read in full, where the diff alone does not show it.
PAGES: Final[dict[str, Callable[[Proposal], str]]] = {}
# kind → whether a change of it is proposed on a page of its own alone, because its service checks more than the kind does.
OWN_DOORS: Final[dict[str, Callable[[Any], bool]]] = {}


def register(
    kind: Kind, page: Callable[[Proposal], str] | None = None, own_door: Callable[[Any], bool] | None = None
) -> None:
    """Add a kind of an upper room, when the portal starts. Raises `ValueError` where another has its name.

    `own_door` says of a change whether the doors for every kind refuse it."""
    known = KINDS.get(kind.name)
    if known is not None and type(known) is not type(kind):
        raise ValueError(f"there is another kind {kind.name}")
    KINDS[kind.name] = kind
    if page is not None:
        PAGES[kind.name] = page
    if own_door is not None:
        OWN_DOORS[kind.name] = own_door


def refuse_if_own_door(kind: str, change: Any) -> None:
    """For the doors through which every kind is proposed. Raises `ReviewRefused` ("bad_change")."""
    if kind in OWN_DOORS and OWN_DOORS[kind](change):
        raise ReviewRefused("bad_change", _("A document is put to review and changed on its own page, not here."))


def kind_named(name: str) -> Kind:
    """Raises `ReviewRefused` ("unknown_kind")."""
    if name not in KINDS:
        raise ReviewRefused("unknown_kind", _("There is no such kind of change."))
    return KINDS[name]
