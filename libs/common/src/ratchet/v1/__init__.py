"""Generated from proto/ratchet/v1 by `make proto`; do not edit."""
