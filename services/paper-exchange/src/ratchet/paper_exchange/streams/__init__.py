"""The venue's WebSockets: trade updates (JSON) and market data (msgpack or JSON)."""
