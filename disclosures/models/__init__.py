"""Every table of disclosures, one module per room."""

from disclosures.models.documents import (
    DisclosureAcknowledgement,
    DisclosureDraft,
    DisclosureNotice,
    DisclosureVersion,
)
from disclosures.models.jurisdictions import JurisdictionRule
from disclosures.models.publication import PublicationPolicy
from disclosures.models.reports import PublicReport
from disclosures.models.rollups import Restatement, RollupDay, RollupHour, RollupMinute, RollupProgress

__all__ = [
    "DisclosureAcknowledgement",
    "DisclosureDraft",
    "DisclosureNotice",
    "DisclosureVersion",
    "JurisdictionRule",
    "PublicReport",
    "PublicationPolicy",
    "Restatement",
    "RollupDay",
    "RollupHour",
    "RollupMinute",
    "RollupProgress",
]
