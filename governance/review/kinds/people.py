"""What the kinds about people share: the person named in the change, and that some are proposed about others only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _

from governance.models import User
from governance.review.errors import ReviewRefused
from governance.review.kinds.kind import Change, Kind

# Kinds that nobody proposes about themselves.
ABOUT_OTHERS: Final = frozenset({"account"})


def person_named(username: Any) -> User:
    """Raises `ReviewRefused` ("unknown_person")."""
    known = isinstance(username, str) and "\x00" not in username
    person = User.objects.filter(username=username).first() if known else None
    if person is None:
        raise ReviewRefused("unknown_person", _("There is no person of that name."))
    return person


def words(change: Any, *names: str) -> tuple[str, ...]:
    """The change's fields, which must be exactly `names`, all text. Raises `ReviewRefused` ("bad_change")."""
    if not isinstance(change, Mapping) or set(change) != set(names):
        raise ReviewRefused("bad_change", _("The change must say: %(names)s.") % {"names": ", ".join(names)})
    found = tuple(change[name] for name in names)
    if not all(isinstance(word, str) for word in found):
        raise ReviewRefused("bad_change", _("The change must say: %(names)s.") % {"names": ", ".join(names)})
    return found


def refuse_about_oneself(person: User, kind: Kind, change: Change) -> None:
    """Raises `ReviewRefused` ("about_you") where nobody proposes that about themselves."""
    if kind.name in ABOUT_OTHERS and person.get_username() in kind.barred(change):
        raise ReviewRefused("about_you", _("Nobody closes their own account: ask another administrator."))
