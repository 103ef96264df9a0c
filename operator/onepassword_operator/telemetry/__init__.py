"""EDGE about the operator itself: logs, metrics, probes."""
