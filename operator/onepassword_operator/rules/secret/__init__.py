"""Decisions about one Secret: who decides it, whose it is, what it holds, what is written."""
