"""The accounts of one exchange: each with its own keys, cash, orders and streams, over the same market."""
