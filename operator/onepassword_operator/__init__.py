"""Keeps Kubernetes Secrets equal to 1Password items: the package behind the `onepassword-operator` command."""

__version__ = "0.1.0"
