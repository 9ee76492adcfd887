"""What a proposal would mean, shown before it is submitted: quoting over the last recorded window, money, drift."""
