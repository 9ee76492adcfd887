"""Sums of every market by minute, hour and day, kept exactly and recomputable from what trading recorded."""
