"""The venue's own market data: bars up to the simulated clock, aggregated and paged."""
