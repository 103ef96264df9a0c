"""EDGE to 1Password: the client of a Connect server, and what guards it."""
