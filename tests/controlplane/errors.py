"""The one error of the local control plane."""


class ControlPlaneError(RuntimeError):
    """The control plane can't be started or used as asked; the message says what to do."""
