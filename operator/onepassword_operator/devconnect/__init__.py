"""An embedded 1Password Connect server for development and tests, written independently of the operator's client."""
