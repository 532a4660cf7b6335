"""The port to a broker, the accounts of a portfolio behind it, and what they report."""
