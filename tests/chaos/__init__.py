"""Chaos: the real order path under kill -9 and a misbehaving venue, and the books compared afterwards."""
