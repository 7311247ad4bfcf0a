"""Puts on the queue what a page has stored already."""

import redis
import structlog

from jobs.queues import PUSH, enqueue_again, enqueue_once

log = structlog.get_logger()

CARRY_OUT = "jobs.tasks.push.carry_out"
START = "jobs.tasks.connect.start_streams"


def carry_out(hub_id: int) -> None:
    """Have the stored requests of this account carried out now. Without a queue they are found a little later."""
    try:
        enqueue_again(PUSH, CARRY_OUT, hub_id, job_id=f"push-{hub_id}")
    except redis.RedisError as error:
        log.error("request_waits_for_queue", hub_id=hub_id, error=type(error).__name__)


def run_streams(hub_id: int) -> None:
    """Have every stream look at what is due now. Without a queue its next cycle does."""
    try:
        enqueue_once(PUSH, START, hub_id, job_id=f"start-{hub_id}")
    except redis.RedisError as error:
        log.error("run_waits_for_queue", hub_id=hub_id, error=type(error).__name__)
