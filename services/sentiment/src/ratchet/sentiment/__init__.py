"""Text sentiment scores per asset."""
