"""Pages of review: parse, authorise, call one service, render."""
