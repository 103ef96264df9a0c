"""Keeps Kubernetes Secrets equal to 1Password items: behind the `onepassword-operator` command."""

from __future__ import annotations

__version__ = "0.1.0"
