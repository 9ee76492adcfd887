"""Chaos: a private copy of the whole system, disturbed on a plan, then compared with its venues' own books."""
