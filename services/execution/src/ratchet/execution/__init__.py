"""Order path, portfolio ledger and broker adapters."""
