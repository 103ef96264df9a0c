"""What is known of claims, Secrets and restarts, in memory."""
