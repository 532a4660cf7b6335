"""Market data: replay and live sources, validation, storage."""
