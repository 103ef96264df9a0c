"""Vaults and their contents, in memory and on disk."""
