"""What the cluster shows → which Secrets need a reconcile."""
