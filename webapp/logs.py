"""Structured logs: one JSON object a line, with account and job id, and never a value of a person or a secret."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

import structlog

# Keys that have no business in a log line; whatever they hold is replaced.
FORBIDDEN_KEYS = frozenset(
    {
        "email",
        "name",
        "first_name",
        "last_name",
        "firstname",
        "lastname",
        "phone",
        "mobile",
        "address",
        "date_of_birth",
        "birth_date",
        "display",
        "body",
        "payload",
        "params",
        "query",
        "token",
        "access_token",
        "refresh_token",
        "api_key",
        "key",
        "secret",
        "password",
        "authorization",
        "cookie",
        "detail",
        "properties",
        "values",
    }
)
_MASKS = (
    re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
    re.compile(r"\b[A-Za-z0-9+/_=-]{20,}-[a-z]{2}\d{1,2}\b"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"\b(?:na1|eu1|pat)-[A-Za-z0-9-]{8,}"),
    re.compile(r"\bgAAAA[A-Za-z0-9_=-]{20,}"),
)
_HIDDEN = "[hidden]"
# Our own words and ids. A mask that takes part of a job's id for a key would cut the line off from its job.
_OURS = frozenset({"hub_id", "job_id", "task", "stream", "reference", "level", "logger", "timestamp", "stack"})
# What the log library itself still needs.
_LIBRARYS = frozenset({"exc_info", "stack_info"})
_ROOT = f"{Path(__file__).resolve().parent.parent}/"
_HARMLESS = (bool, int, float, Decimal, datetime, date, timedelta, UUID)


def mask(text: str) -> str:
    """The text without addresses, keys and tokens."""
    for pattern in _MASKS:
        text = pattern.sub(_HIDDEN, text)
    return text


def scrub(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: drop what must not be logged, mask what looks like it."""
    for name, value in list(event.items()):
        if name.lower() in FORBIDDEN_KEYS:
            event[name] = _HIDDEN
        elif name not in _OURS and name not in _LIBRARYS and not name.startswith("_"):
            event[name] = _safe(value)
    return event


def _safe(value: Any) -> Any:
    """A value as it may be printed. Of what can hold anything, such as an error or a record, only the kind is left."""
    if value is None or isinstance(value, _HARMLESS):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {
            mask(str(name)): _HIDDEN if str(name).lower() in FORBIDDEN_KEYS else _safe(one)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(one) for one in value]
    return type(value).__name__


def configure(level: str = "INFO", pretty: bool = False) -> None:
    """Send structlog and the standard library's logs to stderr as JSON lines (readable text when `pretty`)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        scrub,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(default=str)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _plain_exception, scrub, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Their request lines repeat URLs; ours say what is needed.
    for noisy in ("alembic", "httpx", "httpcore", "werkzeug", "rq.worker", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _plain_exception(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Kind and place of an exception, without its text: database errors repeat the values of their statement."""
    info = event.pop("exc_info", None)
    if info:
        error = sys.exc_info()[1] if info is True else (info[1] if isinstance(info, tuple) else info)
        event["error"] = type(error).__name__
        if isinstance(error, BaseException) and error.__traceback__ is not None:
            event["at"] = _place(error.__traceback__)
    return event


def _place(trace: TracebackType) -> str:
    """`webapp/views/dashboard.py:42`, the last place in our own code; a library's where there is none."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(trace)]
    ours = [(name, line) for name, line in frames if name.startswith(_ROOT) and "site-packages" not in name]
    name, line = (ours or frames)[-1]
    return f"{name.removeprefix(_ROOT) if ours else name.rpartition('/')[2]}:{line}"
