"""Fixtures that every test may use: real servers, started once a run."""

from hypothesis import settings

pytest_plugins = ["ratchet.common.testing"]

# The first example may compile a kernel or read a calendar, which says nothing about the code under test.
settings.register_profile("ratchet", deadline=None)
settings.load_profile("ratchet")
