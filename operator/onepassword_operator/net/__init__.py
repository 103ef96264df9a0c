"""How the operator's own connections leave: proxies and TLS."""
