"""The error that becomes an error reply of the API; its text never has a value."""

from __future__ import annotations


class ApiError(Exception):
    """A refusal: HTTP status and message of Connect's error object `{"status", "message"}`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_request(message: str) -> ApiError:
    """Build the 400 for a body, an id or a filter the server cannot use."""
    return ApiError(400, message)


def not_found(noun: str, identifier: str) -> ApiError:
    """Build the 404 for something in scope that the server's data does not have."""
    return ApiError(404, f"{noun} {identifier} not found")
