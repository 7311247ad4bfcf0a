"""What surrounds a job: the application, its log fields, and failures that carry no patient value."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from flask import Flask, current_app, has_app_context
from rq import get_current_job
from rq.timeouts import BaseTimeoutException

from .failures import JobFailed, describe

P = ParamSpec("P")
R = TypeVar("R")

_log = structlog.get_logger(__name__)
_app: Flask | None = None
_app_pid = 0


def use_app(app: Flask) -> None:
    """Give jobs of this process and its children an application that exists already (the worker's own)."""
    global _app, _app_pid
    _app, _app_pid = app, os.getpid()


def get_app() -> Flask:
    """The application jobs run in: made once per process tree, because making it costs more than most jobs."""
    global _app_pid
    if _app is None:
        from webapp import create_app

        use_app(create_app())
    app = _app
    assert app is not None  # use_app has just set it
    if _app_pid != os.getpid():
        # A connection opened before the fork would be shared with the parent and with its other children.
        from webapp.extensions import db

        with app.app_context():
            db.engine.dispose(close=False)
        _app_pid = os.getpid()
    return app


def in_app_context(func: Callable[P, R]) -> Callable[P, R]:
    """Run a task inside the application, with job id and account on every log line.

    Any failure is logged and raised again as JobFailed, whose text is safe to keep: the queue stores it.
    """
    signature = inspect.signature(func)

    @functools.wraps(func)
    def task(*args: P.args, **kwargs: P.kwargs) -> R:
        app = current_app._get_current_object() if has_app_context() else get_app()  # type: ignore[attr-defined]
        job = get_current_job()
        fields: dict[str, object] = {"job_id": job.id if job else None, "task": func.__name__}
        bound = signature.bind_partial(*args, **kwargs).arguments
        if "hub_id" in bound:
            fields["hub_id"] = bound["hub_id"]
        with app.app_context(), structlog.contextvars.bound_contextvars(**fields):
            try:
                return func(*args, **kwargs)
            except BaseTimeoutException:  # the queue's own time limit: its text holds the limit only
                _log.warning("job_timed_out")
                raise
            except JobFailed:
                raise
            except Exception as error:
                safe = describe(error)
                _log.error("job_failed", error=safe, retries_left=job.retries_left if job else None)
                raise JobFailed(safe) from None

    return task
