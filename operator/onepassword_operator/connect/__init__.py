"""EDGE to 1Password: the client of a Connect server, its circuit breaker and its rate limit."""
