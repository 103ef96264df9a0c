"""Kubernetes objects as typed structs, decoded from bytes or from kopf's dicts."""
