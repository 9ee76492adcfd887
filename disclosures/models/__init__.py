"""Tables of disclosures."""

from disclosures.models.documents import (
    DisclosureAcknowledgement,
    DisclosureDraft,
    DisclosureNotice,
    DisclosureVersion,
)

__all__ = ["DisclosureAcknowledgement", "DisclosureDraft", "DisclosureNotice", "DisclosureVersion"]
