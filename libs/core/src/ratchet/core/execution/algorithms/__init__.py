"""Execution algorithms, one a file."""
