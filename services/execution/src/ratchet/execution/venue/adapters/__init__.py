"""Adapters of the broker port, one file a venue."""
