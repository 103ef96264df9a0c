"""Restarts of the workloads that use a changed Secret."""
