"""Jobs for the tests of the worker processes; they leave their marks in the queue server."""

import os
import time

from redis import Redis
from rq import get_current_job

from jobs.queues import enqueue_follow_on


def _redis() -> Redis:
    return Redis.from_url(os.environ["REDIS_URL"])


def mark(name: str) -> None:
    _redis().rpush("done", name)


def hold(name: str) -> None:
    """Say which process runs, go on when told to (at most 60 s), say that it is done."""
    redis = _redis()
    redis.rpush("held", os.getpid())
    for _ in range(1200):
        if redis.exists("go"):
            break
        time.sleep(0.05)
    redis.rpush("done", name)


def count_down(left: int) -> None:
    redis = _redis()
    job = get_current_job()
    assert job is not None
    redis.rpush("ids", job.id)
    if left:
        enqueue_follow_on("sync", "tests.jobs.processes.work.count_down", left - 1, job_id="chain", connection=redis)


def fail_once(name: str) -> None:
    redis = _redis()
    if redis.incr("tries") == 1:
        raise RuntimeError("the first try fails")
    redis.rpush("done", name)


def tick() -> None:
    mark("tick")
