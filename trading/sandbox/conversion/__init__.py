"""Makers of the record files under trading/sandbox/records; run once, see PROVENANCE.md there."""
