"""Who may change what, and the proof of it."""
