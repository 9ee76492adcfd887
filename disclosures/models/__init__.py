"""Every table of disclosures, one module per room."""

from disclosures.models.publication import PublicationPolicy
from disclosures.models.rollups import Restatement, RollupDay, RollupHour, RollupMinute, RollupProgress

__all__ = ["PublicationPolicy", "Restatement", "RollupDay", "RollupHour", "RollupMinute", "RollupProgress"]
