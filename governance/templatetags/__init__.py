"""Filters of governance."""
