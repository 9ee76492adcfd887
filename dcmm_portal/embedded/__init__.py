"""PostgreSQL and Valkey from Python packages, so that a fresh machine needs nothing but Python."""
