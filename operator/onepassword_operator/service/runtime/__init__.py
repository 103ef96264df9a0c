"""Runs the use-cases: work queue, workers, retries, leader election."""
