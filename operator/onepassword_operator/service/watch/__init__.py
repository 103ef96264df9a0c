"""Observations of the cluster → the Secrets that need a reconcile."""
