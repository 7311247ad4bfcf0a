"""Structured logs: one JSON object a line, with account and job id, and never a value of a person or a secret."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

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


def mask(text: str) -> str:
    """The text without addresses, keys and tokens."""
    for pattern in _MASKS:
        text = pattern.sub(_HIDDEN, text)
    return text


def scrub(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: drop what must not be logged, mask what looks like it."""
    for name, value in list(event.items()):
        if name in FORBIDDEN_KEYS:
            event[name] = _HIDDEN
        elif isinstance(value, str):
            event[name] = mask(value)
    return event


def configure(level: str = "INFO", pretty: bool = False) -> None:
    """Send structlog and the standard library's logs to stderr as JSON lines (readable text when `pretty`)."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        scrub,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
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
        trace = error.__traceback__ if isinstance(error, BaseException) else None
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            event["at"] = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}"
    return event
