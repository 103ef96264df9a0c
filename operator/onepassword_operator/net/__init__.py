"""Proxies and TLS of the operator's own connections."""
