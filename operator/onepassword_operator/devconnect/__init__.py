"""An embedded 1Password Connect server for development and tests: the Connect API, read independently of the operator's client."""
