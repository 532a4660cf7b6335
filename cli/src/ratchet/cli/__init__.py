"""The ratchet command: local platform, data, training, backtest."""
