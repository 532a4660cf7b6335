"""Pure trading logic: features, strategies, risk, orders, exchange, phases, backtest."""
