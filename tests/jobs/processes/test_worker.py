"""Real worker processes, stopped and killed."""

import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from redis import Redis

from jobs.queues import enqueue_once
from jobs.worker import Pool

from .conftest import alive, wait_until

Start = Callable[[str], subprocess.Popen[bytes]]

POOL = """
import os, sys
from redis import Redis
from jobs.worker import Pool
Pool(Redis.from_url(os.environ["REDIS_URL"]), {processes}).run(burst={burst})
"""
WORK = "tests.jobs.processes.work."


def pool(processes: int = 2, burst: bool = False) -> str:
    return POOL.format(processes=processes, burst=burst)


def workers(connection: Redis) -> dict[bytes, dict[bytes, bytes]]:
    """The live workers in the queue server, by key."""
    found = {key: connection.hgetall(key) for key in connection.smembers("rq:workers")}
    return {key: fields for key, fields in found.items() if fields and b"death" not in fields}


def test_one_process_serves_only_push(connection: Redis, start_python: Start) -> None:
    start_python(pool(processes=3))
    wait_until(lambda: len(workers(connection)) == 3)
    assert sorted(w[b"queues"] for w in workers(connection).values()) == [b"push", b"push,sync,low", b"push,sync,low"]


def test_push_starts_while_every_other_process_is_busy(connection: Redis, start_python: Start) -> None:
    start_python(pool(processes=2))
    enqueue_once("sync", WORK + "hold", "long", job_id="long", connection=connection)
    wait_until(lambda: connection.llen("held") == 1)
    enqueue_once("push", WORK + "mark", "pushed", job_id="pushed", connection=connection)
    wait_until(lambda: connection.lrange("done", 0, -1) == [b"pushed"], within=5)
    connection.set("go", 1)
    wait_until(lambda: connection.llen("done") == 2)


def test_burst_leaves_when_the_queues_are_empty(connection: Redis, start_python: Start) -> None:
    for name in ("push", "sync", "low"):
        enqueue_once(name, WORK + "mark", name, job_id=name, connection=connection)
    assert start_python(pool(burst=True)).wait(30) == 0
    assert sorted(connection.lrange("done", 0, -1)) == [b"low", b"push", b"sync"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_job_end(connection: Redis, start_python: Start, signum: signal.Signals) -> None:
    process = start_python(pool())
    enqueue_once("sync", WORK + "hold", "held", job_id="held", connection=connection)
    enqueue_once("sync", WORK + "mark", "next", job_id="next", connection=connection)
    wait_until(lambda: connection.llen("held") == 1)
    os.killpg(process.pid, signum)  # what a supervisor and a terminal do: the pool and its workers at once
    wait_until(lambda: len(workers(connection)) == 1)
    os.kill(process.pid, signum)
    connection.set("go", 1)
    assert process.wait(30) == 0
    assert connection.lrange("done", 0, -1) == [b"held"]


def test_a_killed_worker_is_replaced(connection: Redis, start_python: Start) -> None:
    start_python(pool())
    wait_until(lambda: len(workers(connection)) == 2)
    old = {int(w[b"pid"]) for w in workers(connection).values()}
    push = next(int(w[b"pid"]) for w in workers(connection).values() if w[b"queues"] == b"push")
    os.kill(push, signal.SIGKILL)

    def replaced() -> bool:
        return any(w[b"queues"] == b"push" and int(w[b"pid"]) not in old for w in workers(connection).values())

    wait_until(replaced)


def test_a_job_whose_process_is_killed_is_tried_again(connection: Redis, start_python: Start) -> None:
    start_python(pool())
    enqueue_once("sync", WORK + "hold", "held", job_id="held", connection=connection)
    wait_until(lambda: connection.llen("held") == 1)
    os.kill(int(connection.lindex("held", 0)), signal.SIGKILL)
    connection.set("go", 1)
    wait_until(lambda: connection.lrange("done", 0, -1) == [b"held"], within=60)


@pytest.mark.timeout(150)
def test_a_job_whose_whole_pool_is_killed_runs_again_within_a_minute(connection: Redis, start_python: Start) -> None:
    process = start_python(pool())
    enqueue_once("sync", WORK + "hold", "held", job_id="held", connection=connection)
    wait_until(lambda: connection.llen("held") == 1)
    job_pid = int(connection.lindex("held", 0))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not alive(job_pid), within=5)  # a job does not outlive its worker
    start_python(pool())
    connection.set("go", 1)
    wait_until(lambda: connection.lrange("done", 0, -1) == [b"held"], within=60)


def test_a_failed_try_is_retried_by_the_pool_itself(connection: Redis, start_python: Start) -> None:
    start_python(pool())
    enqueue_once("sync", WORK + "fail_once", "ok", job_id="once", connection=connection)
    wait_until(lambda: connection.lrange("done", 0, -1) == [b"ok"], within=40)


def test_a_pool_needs_a_process(connection: Redis) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pool(connection, 0)
