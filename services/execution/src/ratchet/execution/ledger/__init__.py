"""What one transaction writes, its SQL, how an engine is loaded from it, and what it tells others."""
