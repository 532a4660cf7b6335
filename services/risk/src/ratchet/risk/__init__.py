"""Stateless pre-trade risk evaluation and sizing."""
