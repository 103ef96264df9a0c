"""What runs the use-cases: queue, workers, retries, election."""
