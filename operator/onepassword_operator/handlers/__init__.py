"""EDGE to kopf: watch events in, queue keys out."""
