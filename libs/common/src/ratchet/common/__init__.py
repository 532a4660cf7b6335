"""Runtime plumbing shared by the services."""
