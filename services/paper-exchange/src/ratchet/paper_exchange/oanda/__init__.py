"""OANDA's v20 API over the forex engine: accounts by token, prices, candles, orders, trades, journals."""
