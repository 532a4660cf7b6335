"""The loops of the two modes, and what they read."""
