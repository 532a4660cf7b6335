"""Options: what the exchange is told of the market, and the answers of the contract and data APIs."""
