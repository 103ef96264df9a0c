"""EDGE to 1Password: where items come from."""
