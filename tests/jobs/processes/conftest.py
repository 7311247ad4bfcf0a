import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

ROOT = Path(__file__).resolve().parents[3]


def wait_until(true: Callable[[], object], within: float = 30) -> None:
    """Poll until `true()`; fail after `within` seconds."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not true within {within} s: {true}")
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether this process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def connection(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def start_python(valkey_url: str, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start `python -c code` with the queue server in REDIS_URL; whatever is left at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"process-{len(started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": valkey_url, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait()
