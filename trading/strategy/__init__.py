"""Pure mathematics of quoting: float and Decimal in, the same out. No Django, no input or output, no clock."""
