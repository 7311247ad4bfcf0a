"""`start` with real processes: what runs, what a signal ends, what the death of one part does, and what is left."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis

from jobs.schedule import LOCK_KEY

from .conftest import ROOT, alive, wait_until
from .leftovers import processes_of

PARTS = {"web": "gunicorn", "worker": " worker ", "scheduler": " scheduler", "queue": "valkey-server"}


class Service:
    """One `flask --app wsgi start` with its own var directory, port and log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "start.log"
        env = {
            **os.environ,
            "SECRET_KEY": "test-secret-key-of-enough-length",
            "ENCRYPTION_KEYS": "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio=",
            "PUBLIC_URL": f"http://localhost:{self.port}",
            "HUBSPOT_CLIENT_ID": "client-id",
            "HUBSPOT_CLIENT_SECRET": "client-secret",
            "HUBSPOT_APP_ID": "4242",
            "CLINIKO_CONTACT_EMAIL": "ops@example.com",
            "VAR_DIR": str(folder),
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "WEB_PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            "WORKER_PROCESSES": "2",
            "LOG_LEVEL": "INFO",
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "--app", "wsgi", "start"],
                cwd=ROOT,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        wait_until(lambda: self.process.poll() is not None or self.is_up(), within=60)
        assert self.process.poll() is None, self.text()

    def is_up(self) -> bool:
        try:
            ready = httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
            with redis.Redis.from_url((self.folder / "valkey.url").read_text()) as queue:
                return ready and queue.scard("rq:workers") == 2 and bool(queue.exists(LOCK_KEY))
        except (httpx.TransportError, OSError):
            return False

    def pid_of(self, part: str) -> int:
        """The part's own process: the one that our supervisor started."""
        parents = {pid: parent_of(pid) for pid, command in processes_of(self.folder).items() if PARTS[part] in command}
        (pid,) = [pid for pid, parent in parents.items() if parent == self.process.pid]
        return pid

    def text(self) -> str:
        return self.log.read_text(errors="replace")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    for pid in processes_of(tmp_path):
        os.kill(pid, signal.SIGKILL)
    made.process.wait()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_good_order(service: Service, signum: signal.Signals) -> None:
    service.wait_until_up()
    assert len(processes_of(service.folder)) >= 8  # supervisor, queue, web with its child, pool with two, scheduler
    service.process.send_signal(signum)
    assert service.process.wait(60) == 0, service.text()
    assert processes_of(service.folder) == {}
    assert service.text().rstrip().endswith("| Stopped.")
    assert "Traceback" not in service.text()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{service.port}/healthz")


def test_a_ctrl_c_that_reaches_the_whole_group_is_the_same(service: Service) -> None:
    service.wait_until_up()
    os.killpg(service.process.pid, signal.SIGINT)
    time.sleep(0.2)
    os.killpg(service.process.pid, signal.SIGTERM)  # what make sends after it
    assert service.process.wait(60) == 0, service.text()
    assert processes_of(service.folder) == {}
    assert "Traceback" not in service.text()


def test_a_signal_during_the_start_leaves_nothing(service: Service) -> None:
    wait_until(lambda: (service.folder / "valkey.url").exists() or service.process.poll() is not None)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(60) == 0, service.text()
    assert processes_of(service.folder) == {}


@pytest.mark.parametrize("part", list(PARTS))
def test_a_part_that_dies_takes_the_others_down_and_is_named(service: Service, part: str) -> None:
    service.wait_until_up()
    os.kill(service.pid_of(part), signal.SIGKILL)
    assert service.process.wait(60) == 1, service.text()
    assert f"| {part} was ended by SIGKILL, so everything stops." in service.text()
    wait_until(lambda: processes_of(service.folder) == {}, within=10)


def test_nothing_outlives_a_supervisor_that_is_killed(service: Service) -> None:
    service.wait_until_up()
    os.kill(service.process.pid, signal.SIGKILL)
    wait_until(lambda: set(processes_of(service.folder)) <= {service.process.pid}, within=30)


def test_a_second_start_of_the_same_folder_is_refused_and_harms_nothing(service: Service) -> None:
    service.wait_until_up()
    again = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "start"],
        cwd=ROOT,
        env={**os.environ, **environ_of(service.process.pid)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 1 and again.stderr.startswith(f"WEB_PORT {service.port} is taken")
    assert service.is_up()


SUPERVISE = """
import os, sys
from webapp.supervisor import Supervisor
stubborn = [sys.executable, "-c", {code!r}]
sys.exit(Supervisor(stop_within={patience}).run({{"stubborn": stubborn}}, os.environ))
"""
IGNORES_SIGTERM = (
    "import os, signal, time, redis; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "redis.Redis.from_url(os.environ['REDIS_URL']).rpush('pids', os.getpid()); time.sleep(600)"
)


def test_a_second_ctrl_c_does_not_wait(connection: redis.Redis, start_python) -> None:
    process, pid = started(connection, start_python, patience=600)
    process.send_signal(signal.SIGINT)
    time.sleep(2.5)
    assert alive(pid), "the first asks politely"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 1
    assert not alive(pid)


def test_what_does_not_end_in_time_is_killed(connection: redis.Redis, start_python) -> None:
    process, pid = started(connection, start_python, patience=1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 1
    assert not alive(pid)


def test_an_exit_code_is_passed_on(start_python) -> None:
    assert start_python(SUPERVISE.format(code="raise SystemExit(7)", patience=5)).wait(20) == 7
    assert start_python(SUPERVISE.format(code="", patience=5)).wait(20) == 1, "no part may leave by itself"


def test_a_reader_that_goes_away_stops_nothing(tmp_path: Path) -> None:
    """`make run | head` ends head; the service goes on until it is stopped."""
    code = f"import pathlib, time; print('x' * 99999, flush=True); pathlib.Path({str(tmp_path / 'on')!r}).touch()"
    code += "; time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISE.format(code=code, patience=5)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    wait_until((tmp_path / "on").exists)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def started(
    connection: redis.Redis, start_python: Callable[[str], subprocess.Popen[bytes]], patience: int
) -> tuple[subprocess.Popen[bytes], int]:
    process = start_python(SUPERVISE.format(code=IGNORES_SIGTERM, patience=patience))
    wait_until(lambda: connection.llen("pids") == 1)
    return process, int(connection.lindex("pids", 0))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def environ_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
