"""Paper exchange that speaks the Alpaca API."""
