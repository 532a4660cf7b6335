"""Where live market data comes from."""
