from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from jobs.queues import HEARTBEAT_LOST_AFTER, POLICIES, QUEUES, enqueue_once, get_queue

MARK = "tests.jobs.processes.work.mark"


def enqueue(connection: Redis, job_id: str = "sync-7-patients") -> Job | None:
    return enqueue_once("sync", MARK, "x", job_id=job_id, connection=connection)


def work(connection: Redis) -> None:
    queues = [get_queue(name, connection) for name in QUEUES]
    SimpleWorker(queues, connection=connection, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")


@pytest.fixture(autouse=True)
def _redis_url(monkeypatch: pytest.MonkeyPatch, valkey_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", valkey_url)


def test_a_job_that_waits_is_not_queued_again(connection: Redis) -> None:
    assert enqueue(connection) is not None
    assert enqueue(connection) is None
    assert get_queue("sync", connection).job_ids == ["sync-7-patients"]


def test_a_finished_job_frees_its_id_at_once(connection: Redis) -> None:
    enqueue(connection)
    work(connection)
    assert connection.lrange("done", 0, -1) == [b"x"]
    assert enqueue(connection) is not None


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.FINISHED, JobStatus.STOPPED, JobStatus.CANCELED])
def test_a_job_that_ended_is_replaced(connection: Redis, status: JobStatus) -> None:
    first = enqueue(connection)
    assert first is not None
    get_queue("sync", connection).empty()
    first.save()
    first.set_status(status)
    assert enqueue(connection) is not None
    assert get_queue("sync", connection).job_ids == ["sync-7-patients"]


@pytest.mark.parametrize("status", [JobStatus.SCHEDULED, JobStatus.DEFERRED, JobStatus.QUEUED])
def test_a_job_that_will_run_is_kept(connection: Redis, status: JobStatus) -> None:
    first = enqueue(connection)
    assert first is not None
    first.set_status(status)
    assert enqueue(connection) is None


@pytest.mark.parametrize(("silent_for", "replaced"), [(timedelta(seconds=5), False), (HEARTBEAT_LOST_AFTER, True)])
def test_a_started_job_is_replaced_only_when_its_worker_is_silent(
    connection: Redis, silent_for: timedelta, replaced: bool
) -> None:
    first = enqueue(connection)
    assert first is not None
    first.set_status(JobStatus.STARTED)
    first.heartbeat(datetime.now(UTC) - silent_for, ttl=60)
    assert (enqueue(connection) is not None) is replaced


def test_every_job_has_limits(connection: Redis) -> None:
    for name in QUEUES:
        job = enqueue_once(name, MARK, "x", job_id=f"limits-{name}", connection=connection)
        assert job is not None
        assert job.timeout == POLICIES[name].job_timeout
        assert job.result_ttl == 0
        assert job.failure_ttl == 3600
        assert job.retries_left == len(POLICIES[name].retry_intervals)


def test_arguments_travel_as_json(connection: Redis) -> None:
    with pytest.raises(TypeError):
        enqueue_once("sync", MARK, datetime.now(UTC), job_id="not-json", connection=connection)


def test_an_unknown_queue_is_refused(connection: Redis) -> None:
    with pytest.raises(ValueError, match="unknown queue 'other'"):
        enqueue_once("other", MARK, "x", job_id="a", connection=connection)


def test_a_job_continues_under_a_second_id_and_back(connection: Redis) -> None:
    enqueue_once("sync", "tests.jobs.processes.work.count_down", 3, job_id="chain", connection=connection)
    work(connection)
    assert connection.lrange("ids", 0, -1) == [b"chain", b"chain-next", b"chain", b"chain-next"]


def test_a_job_for_the_front_goes_before_those_that_wait(connection: Redis) -> None:
    enqueue(connection, "waits")
    enqueue_once("sync", MARK, "y", job_id="first", connection=connection, at_front=True)
    assert get_queue("sync", connection).job_ids == ["first", "waits"]
