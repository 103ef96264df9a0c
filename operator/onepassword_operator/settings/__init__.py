"""Flags and environment → settings that are known to be usable."""
