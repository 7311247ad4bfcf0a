"""The pool of worker processes: one that serves only `push`, the others `push`, `sync`, `low` in that order.

Each job runs in a child of its worker, so a job that is killed takes nothing with it. Times are chosen so that work
whose worker vanished is queued again within a minute.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from datetime import timedelta
from types import FrameType
from typing import Any
from uuid import uuid4

from redis import ConnectionPool, Redis
from rq import Queue
from rq.job import Job
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from rq.utils import now
from rq.worker import Worker
from rq.worker_pool import ForkProcess, WorkerData, WorkerPool

from .failures import log_killed
from .queues import PUSH, QUEUES

# Seconds. An idle worker wakes every WORKER_TTL - 15; a job not heard of for JOB_SILENCE counts as abandoned.
WORKER_TTL = 20
MAINTENANCE_EVERY = 5
JOB_HEARTBEAT_EVERY = 5
JOB_SILENCE = 20
SAME_REQUEST = timedelta(seconds=10)

_PUSH_PREFIX = "push-"
_PR_SET_PDEATHSIG = 1


class JobWorker(Worker):
    """A worker that recovers abandoned jobs quickly, promotes retries itself and dies with its parent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("worker_ttl", WORKER_TTL)
        kwargs.setdefault("maintenance_interval", MAINTENANCE_EVERY)
        kwargs.setdefault("job_monitoring_interval", JOB_HEARTBEAT_EVERY)
        kwargs.setdefault("log_job_description", False)
        kwargs.setdefault("work_horse_killed_handler", log_killed)
        kwargs.setdefault("serializer", JSONSerializer)
        super().__init__(*args, **kwargs)

    def get_heartbeat_ttl(self, job: Job, *args: Any, **kwargs: Any) -> int:
        """Seconds until a running job that stays silent counts as abandoned (the library allows it a minute more)."""
        return JOB_SILENCE

    def run_maintenance_tasks(self) -> None:
        """Clean up after dead workers, then queue the retries that are due: no extra scheduler process per worker."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq leaves it untyped
        promote_due_retries(self.queues, self.connection)

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """A later signal cuts the running job. Not one that came with the first: a supervisor signals the whole group
        and the pool passes the signal on, which on a busy machine may take longer than the library allows for."""
        asked = self._shutdown_requested_date
        if asked is None or now() - asked > SAME_REQUEST:
            super().request_force_stop(signum, frame)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(signal.SIGKILL)
        super().main_work_horse(job, queue)


def promote_due_retries(queues: list[Queue], connection: Redis) -> None:
    """Move delayed retries whose time has come onto their queues; one worker at a time does it, under a lock."""
    promoter = RQScheduler(queues, connection=connection, serializer=JSONSerializer, logging_level="WARNING")
    promoter.acquire_locks()  # type: ignore[no-untyped-call]  # rq leaves it untyped
    if not promoter.acquired_locks:
        return
    try:
        promoter.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]  # rq leaves it untyped
    finally:
        promoter.release_locks()  # type: ignore[no-untyped-call]  # rq leaves it untyped


class Pool(WorkerPool):
    """Keeps its worker processes alive; with one process, that one serves every queue."""

    def __init__(self, connection: Redis, processes: int) -> None:
        if processes < 1:
            raise ValueError("at least one worker process is needed")
        super().__init__(
            list(QUEUES), connection, num_workers=processes, worker_class=JobWorker, serializer=JSONSerializer
        )

    def start_worker(
        self, count: int | None = None, burst: bool = True, _sleep: float = 0, logging_level: str = "WARNING"
    ) -> None:
        """Start the process that is missing: the one for push first."""
        has_push = any(name.startswith(_PUSH_PREFIX) for name in self.worker_dict)
        push_only = self.num_workers > 1 and not has_push
        name = (_PUSH_PREFIX if push_only else "any-") + uuid4().hex
        process = ForkProcess(
            target=_run_worker,
            args=(name, (PUSH,) if push_only else QUEUES, self.connection, os.getpid(), burst),
            name=f"worker {name}",
        )
        process.start()
        assert process.pid is not None  # a started process has one
        self.worker_dict[name] = WorkerData(name=name, pid=process.pid, process=process)

    def request_stop(self, signum: int | None = None, frame: object = None) -> None:
        """Ask every worker once to finish its job and leave; a repeated signal must not cut the jobs short."""
        if self.status != self.Status.STOPPED:
            super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # rq leaves it untyped

    def run(self, *, burst: bool = False) -> None:
        """Work until told to stop (SIGTERM, SIGINT: running jobs end first) or, in burst, until all is done."""
        self.start(burst=burst, logging_level="WARNING")


def _run_worker(name: str, queue_names: tuple[str, ...], parent: Redis, parent_pid: int, burst: bool) -> None:
    # Until the worker has handlers of its own it must not run those inherited from the pool.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent_pid:
        sys.exit(0)
    pool = parent.connection_pool
    connection = Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **pool.connection_kwargs))
    worker = JobWorker(list(queue_names), name=name, connection=connection)
    worker.work(burst=burst, logging_level="WARNING")


def die_with_parent(signum: signal.Signals) -> None:
    """On Linux: have the kernel send `signum` to this process when its parent is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
