"""The way to the venue: what may go, in which order, and what becomes of requests without an answer."""
