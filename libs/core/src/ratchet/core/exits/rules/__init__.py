"""Exit rules: one a file, registered in the rule book."""
