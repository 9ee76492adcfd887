"""The simulated exchange: a server of its own that imports nothing of the rest of the portal."""
