"""Features, strategies and consensus signals."""
