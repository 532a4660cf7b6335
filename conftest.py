"""Fixtures that every test may use: real servers, started once a run."""

pytest_plugins = ["ratchet.common.testing"]
