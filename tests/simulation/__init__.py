"""A deterministic simulation of the order path: execution's own code, a virtual clock and seeded faults."""
