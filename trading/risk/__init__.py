"""Risk rules: pure functions with coded reasons. No Django, no input or output, no clock."""
