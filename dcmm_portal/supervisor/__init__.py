"""Starts the whole system in dependency order, keeps it running, stops it in order."""
