"""Requirements of gates and floors: one a file, registered in the rule book."""
