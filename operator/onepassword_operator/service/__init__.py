"""USE-CASES: the order of steps, spoken through ports only."""
