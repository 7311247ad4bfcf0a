"""The three queues and the one way to put work on them.

`push` holds what a person waits for and has a worker process of its own, `sync` the executions of the streams,
`low` what may take its time (history, purge, housekeeping). Arguments travel as JSON: ids and plain strings only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis import Redis
from rq import Queue, Retry, get_current_job
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

PUSH = "push"
SYNC = "sync"
LOW = "low"
QUEUES: tuple[str, ...] = (PUSH, SYNC, LOW)

# A running job's heartbeat is renewed every few seconds (jobs.worker); one older than this belongs to a dead worker.
HEARTBEAT_LOST_AFTER = timedelta(seconds=60)

_PENDING = frozenset({"queued", "scheduled", "deferred", "rate_limited", "ready_to_enqueue", "created"})
_REPLACE_LOCK_SECONDS = 10
_FOLLOW_ON = "-next"


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """Time limits and retries of one queue; all times in seconds."""

    job_timeout: int
    failure_ttl: int
    retry_intervals: tuple[int, ...]


POLICIES: dict[str, QueuePolicy] = {
    PUSH: QueuePolicy(job_timeout=120, failure_ttl=3600, retry_intervals=(5, 15, 60)),
    SYNC: QueuePolicy(job_timeout=300, failure_ttl=3600, retry_intervals=(5, 60)),
    LOW: QueuePolicy(job_timeout=900, failure_ttl=3600, retry_intervals=(60, 300)),
}


def get_queue(name: str, connection: Redis | None = None) -> Queue:
    """Return queue `name` (one of QUEUES); without a connection, on the application's own Redis."""
    if name not in POLICIES:
        raise ValueError(f"unknown queue {name!r}, expected one of {', '.join(QUEUES)}")
    if connection is None:
        from webapp.extensions import get_redis

        connection = get_redis()
    return Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=POLICIES[name].job_timeout)


def enqueue_once(
    queue: str,
    func: str,
    *args: object,
    job_id: str,
    connection: Redis | None = None,
    retry_intervals: Sequence[int] | None = None,
    at_front: bool = False,
) -> Job | None:
    """Put `func(*args)` on `queue` unless a job with this id is waiting or alive; return the job, or None if one was.

    `func` is a dotted name; `job_id` may hold letters, digits, `_` and `-`. A job that has ended, or whose worker died
    without saying so, gives its id up to the new one. `retry_intervals` replaces the queue's own; () means no retry.
    `at_front` is for short jobs that feed the queue themselves.
    """
    target = get_queue(queue, connection)
    try:
        return _enqueue(target, func, args, job_id, retry_intervals, at_front)
    except DuplicateJobError:
        pass
    # Without the lock, two callers could both judge the old job dead, and the second would delete the first one's job.
    with target.connection.lock(f"crmconnect:enqueue:{job_id}", timeout=_REPLACE_LOCK_SECONDS, blocking_timeout=5):
        try:
            old = Job.fetch(job_id, connection=target.connection, serializer=JSONSerializer)
        except NoSuchJobError:
            old = None
        if old is not None:
            if _is_alive(old):
                return None
            old.delete()
        try:
            return _enqueue(target, func, args, job_id, retry_intervals, at_front)
        except DuplicateJobError:
            return None


def enqueue_follow_on(queue: str, func: str, *args: object, job_id: str, connection: Redis | None = None) -> Job | None:
    """From inside the job `job_id`, put its continuation on the queue at once; None if one is waiting already.

    The running job still owns its id, so continuations take turns between two ids: `job_id` and `job_id-next`.
    """
    current = get_current_job()
    next_id = job_id + _FOLLOW_ON if current is None or current.id == job_id else job_id
    return enqueue_once(queue, func, *args, job_id=next_id, connection=connection)


def enqueue_again(queue: str, func: str, *args: object, job_id: str, connection: Redis | None = None) -> Job | None:
    """Make sure that a run of `func(*args)` begins after this moment: one that runs already may have looked too early.
    At most one job runs and one waits."""
    queued = enqueue_once(queue, func, *args, job_id=job_id, connection=connection)
    if queued is not None:
        return queued
    return enqueue_once(queue, func, *args, job_id=job_id + _FOLLOW_ON, connection=connection)


def _enqueue(
    queue: Queue,
    func: str,
    args: tuple[object, ...],
    job_id: str,
    retry_intervals: Sequence[int] | None,
    at_front: bool,
) -> Job:
    policy = POLICIES[queue.name]
    intervals = policy.retry_intervals if retry_intervals is None else tuple(retry_intervals)
    return queue.enqueue(
        func,
        args=args,
        job_id=job_id,
        unique=True,
        at_front=at_front,
        job_timeout=policy.job_timeout,
        # A finished job leaves at once, so that its id is free for the next cycle.
        result_ttl=0,
        failure_ttl=policy.failure_ttl,
        retry=Retry(max=len(intervals), interval=list(intervals)) if intervals else None,
    )


def _is_alive(job: Job) -> bool:
    try:
        status = str(job.get_status().value)
    except InvalidJobOperation:  # it ended and vanished while we looked
        return False
    if status in _PENDING:
        return True
    if status != "started":
        return False
    heartbeat = job.last_heartbeat or job.started_at
    if heartbeat is None:
        return False
    if heartbeat.tzinfo is None:
        heartbeat = heartbeat.replace(tzinfo=UTC)
    return datetime.now(UTC) - heartbeat < HEARTBEAT_LOST_AFTER
