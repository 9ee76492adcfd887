"""Everything that touches a market. Has no page for people."""
