"""What every live socket of the web process shares: how it is written to without waiting, and how many there may be."""
