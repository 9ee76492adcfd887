"""Tables of governance."""

from governance.models.access import User

__all__ = ["User"]
