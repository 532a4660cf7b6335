"""Measures of a portfolio's risk: value at risk, its contributions, and stress tests."""
