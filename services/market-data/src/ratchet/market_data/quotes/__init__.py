"""Live bids and asks: of which assets, from which sources, told as the newest of each."""
