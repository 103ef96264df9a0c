"""PURE values: what the program talks about. Standard library without I/O only."""
