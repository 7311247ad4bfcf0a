"""The clock of the service: a small dispatch job every few seconds and one daily housekeeping job.

What is due for which account is decided in `dispatch`, so this file never grows with the number of accounts.
Exactly one scheduler may tick. Others stand by and take over when the lock of the first expires.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from types import FrameType

import structlog
from redis import Redis
from redis.exceptions import LockError, RedisError
from rq.cron import CronJob, CronScheduler
from rq.exceptions import StopRequested
from rq.utils import now

from .queues import LOW, SYNC, enqueue_once

DISPATCH_EVERY = 5
LOCK_KEY = "crmconnect:scheduler"
# Seconds: longer than the longest sleep between two ticks, short enough that a stand-by takes over soon.
LOCK_TTL = 20
STANDBY_EVERY = 2

_log = structlog.get_logger(__name__)


class Ticker(CronScheduler):
    """The cron loop of the queue library, with our way of enqueueing and a lock that proves we still lead."""

    def __init__(self, connection: Redis) -> None:
        super().__init__(connection, logging_level="WARNING")
        self.stopped = False
        self.leader = connection.lock(LOCK_KEY, timeout=LOCK_TTL, thread_local=False)

    def enqueue_jobs(self) -> list[CronJob]:
        """Enqueue what is due, each at most once at a time: a tick that finds its job still waiting adds nothing."""
        try:
            self.leader.reacquire()
        except LockError:
            _log.warning("scheduler_lost_lead")
            raise StopRequested from None
        moment = now()
        due = [job for job in self.get_jobs() if job.should_run()]
        for job in due:
            enqueue_once(
                job.queue_name,
                job.func_name,
                job_id="tick-" + job.func_name.replace(".", "-"),
                connection=self.connection,
                retry_intervals=(),  # the next tick is the retry
                at_front=True,
            )
            job.set_enqueue_time(moment)
        return due

    def _request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopped = True
        super()._request_stop(signum, frame)  # type: ignore[no-untyped-call]  # rq leaves it untyped

    def calculate_sleep_interval(self) -> float:
        """Never sleep so long that the lock could expire meanwhile."""
        return min(super().calculate_sleep_interval(), LOCK_TTL / 4)


def build(connection: Redis) -> Ticker:
    """The scheduler with its two jobs registered."""
    from .tasks.dispatch import dispatch
    from .tasks.housekeeping import housekeeping

    ticker = Ticker(connection)
    ticker.register(dispatch, SYNC, interval=DISPATCH_EVERY)
    ticker.register(housekeeping, LOW, cron="30 3 * * *")
    return ticker


def run(connection: Redis) -> None:
    """Tick until SIGTERM or SIGINT; stand by while another scheduler leads, wait while Redis is away."""
    # The library reads cron lines in the machine's zone in one version and in UTC in another.
    os.environ["TZ"] = "UTC"
    time.tzset()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _raise_stop)
    try:
        ticker = build(connection)
        while not ticker.stopped:
            try:
                _lead(ticker)
            except RedisError as error:
                _log.warning("scheduler_waits_for_redis", error=type(error).__name__)
                time.sleep(STANDBY_EVERY)
    except StopRequested:
        _log.info("scheduler_stopped")


def _lead(ticker: Ticker) -> None:
    """Wait for the lead, then tick until told to stop or until the lead is lost."""
    if not ticker.leader.acquire(blocking=False):
        _log.info("scheduler_standing_by")
        while not ticker.leader.acquire(blocking=False):
            time.sleep(STANDBY_EVERY)
    _log.info("scheduler_leading")
    try:
        ticker.start()  # type: ignore[no-untyped-call]  # rq leaves it untyped
    finally:
        with suppress(LockError):  # lost already: it is another's now
            ticker.leader.release()


def _raise_stop(signum: int, frame: FrameType | None) -> None:
    raise StopRequested
