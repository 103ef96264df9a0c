"""PURE values: items, Secrets, claims, workloads, conditions, errors.

Standard library without I/O only.
"""
