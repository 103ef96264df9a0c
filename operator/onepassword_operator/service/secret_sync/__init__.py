"""One Secret: its claims, its content, the write, the report."""
