"""Flags and environment → checked settings."""
