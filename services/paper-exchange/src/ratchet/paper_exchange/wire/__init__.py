"""How the venue's objects look on the wire: Alpaca's JSON, field by field."""
