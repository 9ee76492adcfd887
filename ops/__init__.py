"""Programs that set up, check and clean an installation."""
