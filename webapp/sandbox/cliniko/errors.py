"""The refusals Cliniko answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BLANK = "can’t be blank"


class ClinikoError(Exception):
    """A refusal. `body` is JSON data, or a text that is sent as plain text."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def unauthorized() -> ClinikoError:
    headers = {"WWW-Authenticate": 'Basic realm="Application"'}
    return ClinikoError(401, "HTTP Basic: Access denied.\n", headers)


def bad_filter(message: str = "This column is not searchable.") -> ClinikoError:
    return ClinikoError(400, {"message": message})


def forbidden() -> ClinikoError:
    return ClinikoError(403, {"message": "You do not have permission to do this."})


def not_found() -> ClinikoError:
    return ClinikoError(404, {"message": "Record not found."})


def invalid(errors: Mapping[str, str | None]) -> ClinikoError:
    return ClinikoError(422, {"message": "Validation Failed", "errors": dict(errors)})
