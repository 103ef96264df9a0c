"""An embedded 1Password Connect server, written independently of the operator's client."""
