"""EDGE to the Kubernetes API: the only code that reads and writes objects there."""
