"""The local platform: its servers, services, runs, and what an operator sees of them."""
