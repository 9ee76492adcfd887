"""Pages, API and notifications of review."""
