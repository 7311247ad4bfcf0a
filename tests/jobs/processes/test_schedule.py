"""The scheduler: what it queues, that only one ticks, and that a stand-by takes over."""

import os
import signal
import subprocess
from collections.abc import Callable

from redis import Redis
from rq.cron import CronScheduler

from jobs.queues import SYNC, get_queue
from jobs.schedule import LOCK_KEY, Ticker

from . import work
from .conftest import wait_until

Start = Callable[[str], subprocess.Popen[bytes]]

SCHEDULER = """
import os
from redis import Redis
from jobs import schedule
from tests.jobs.processes import work

def build(connection):
    ticker = schedule.Ticker(connection)
    ticker.register(work.tick, "sync", interval=1)
    return ticker

schedule.build = build
schedule.LOCK_TTL = 3
schedule.STANDBY_EVERY = 0.2
schedule.run(Redis.from_url(os.environ["REDIS_URL"]))
"""


def ticking(connection: Redis) -> list[int]:
    return [scheduler.pid for scheduler in CronScheduler.all(connection)]


def test_a_tick_that_still_waits_is_not_queued_twice(connection: Redis) -> None:
    ticker = Ticker(connection)
    assert ticker.leader.acquire(blocking=False)
    job = ticker.register(work.tick, SYNC, interval=5)
    assert ticker.enqueue_jobs() == [job]
    job.latest_enqueue_time = None
    assert ticker.enqueue_jobs() == [job]
    assert get_queue(SYNC, connection).job_ids == ["tick-tests-jobs-processes-work-tick"]


def test_it_never_sleeps_past_its_lock(connection: Redis) -> None:
    ticker = Ticker(connection)
    ticker.register(work.tick, SYNC, cron="0 3 * * *")
    assert ticker.calculate_sleep_interval() <= 5


def test_it_leaves_nothing_locked_behind(connection: Redis, start_python: Start) -> None:
    process = start_python(SCHEDULER)
    wait_until(lambda: get_queue(SYNC, connection).count == 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert not connection.exists(LOCK_KEY)
    assert ticking(connection) == []


def test_a_second_one_stands_by_and_takes_over_when_the_first_is_killed(connection: Redis, start_python: Start) -> None:
    first = start_python(SCHEDULER)
    wait_until(lambda: ticking(connection) == [first.pid])
    second = start_python(SCHEDULER)
    wait_until(lambda: connection.client_list(_type="normal") and len(connection.client_list()) >= 3)
    assert ticking(connection) == [first.pid]
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: second.pid in ticking(connection))


def test_a_standby_stops_on_a_signal(connection: Redis, start_python: Start) -> None:
    connection.set(LOCK_KEY, "another")
    before = {client["id"] for client in connection.client_list()}
    process = start_python(SCHEDULER)
    # Connections of an earlier test may still be closing: only a new one is the stand-by's.
    wait_until(lambda: {client["id"] for client in connection.client_list()} - before)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_one_that_lost_its_lead_stops_ticking(connection: Redis, start_python: Start) -> None:
    process = start_python(SCHEDULER)
    wait_until(lambda: ticking(connection) == [process.pid])
    connection.set(LOCK_KEY, "another")
    wait_until(lambda: ticking(connection) == [])
    connection.delete(LOCK_KEY)
    wait_until(lambda: ticking(connection) == [process.pid])
