"""Failures of jobs in words that are safe to log and to store: kind and place, never a value."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path
from typing import Any

import structlog
from rq.job import Job

from webapp.clients.errors import ApiError

_log = structlog.get_logger(__name__)
_ROOT = Path(__file__).resolve().parent.parent


class JobFailed(Exception):
    """A task ended with an unexpected error. The text names its kind and place and holds no patient value."""


def describe(error: BaseException) -> str:
    """`KeyError at jobs/sync/reading.py:42 in read_page`; API errors add their own safe text.

    The text of other errors is left out: a database error, for example, repeats the parameters of its statement.
    """
    kind = type(error).__qualname__
    text = f"{kind}: {error}" if isinstance(error, ApiError) else kind
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _ROOT in Path(frame.filename).parents and ".venv" not in frame.filename]
    for frame in reversed(ours or frames):
        name = Path(frame.filename)
        place = name.relative_to(_ROOT) if ours else Path(name.name)
        return f"{text} at {place}:{frame.lineno} in {frame.name}"
    return text


def log_killed(job: Job, pid: int | None, status: int | None, rusage: Any) -> None:
    """The process of a job was killed (out of memory, SIGKILL): no other hook of the queue hears of it.

    What it held comes free by itself: the lease in the database expires and the job's retries follow.
    """
    killed_by = None
    if status is not None and os.WIFSIGNALED(status):
        killed_by = signal.Signals(os.WTERMSIG(status)).name
    _log.error(
        "job_killed",
        job_id=job.id,
        task=job.func_name,
        pid=pid,
        signal=killed_by,
        peak_memory_kb=getattr(rusage, "ru_maxrss", None),
        retries_left=job.retries_left,
    )
