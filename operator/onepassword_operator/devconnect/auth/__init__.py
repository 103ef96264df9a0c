"""Tokens of the API, keys that sign them, certificates."""
