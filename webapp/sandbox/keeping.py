"""Keeps the sandboxes' state in files: written in the background when something changed, read at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

_READS = ("GET", "HEAD", "OPTIONS")
_READING_POSTS = ("/search", "/batch/read")
# Writing may take this part of the time: a large state is written less often.
_SHARE_OF_TIME = 0.05


class FolderInUse(Exception):
    """Another sandbox keeps its state in the same folder."""


class BadState(Exception):
    """The kept state cannot be read."""


class Keepable(Protocol):
    def save(self, path: str | Path) -> None: ...
    def load(self, path: str | Path) -> None: ...


class Keeper:
    """One file for each service in one folder, which it holds locked until `close`."""

    def __init__(self, folder: Path, services: dict[str, Keepable], every: float) -> None:
        self.folder = folder
        self._services = services
        self._every = every
        self._changed = dict.fromkeys(services, False)
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._complained = False
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(folder / "lock", "a")  # noqa: SIM115  # stays open: the lock ends with it
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise FolderInUse(str(folder)) from None
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def load(self) -> bool:
        """Read what was kept. False when there is nothing, or not all of it: then start anew. Raises BadState."""
        if not all(self._path(name).exists() for name in self._services):
            return False
        for name, service in self._services.items():
            try:
                service.load(self._path(name))
            except Exception as error:
                raise BadState(f"{self._path(name)} ({type(error).__name__})") from error
        return True

    def forget(self) -> None:
        for name in self._services:
            self._path(name).unlink(missing_ok=True)

    def start(self) -> None:
        self._thread.start()

    def changed(self, name: str) -> None:
        self._changed[name] = True

    def save(self, names: Iterable[str] | None = None) -> None:
        """Write these services (all of them without a list); a reader never sees half a file."""
        with self._writing:
            for name in self._services if names is None else names:
                self._changed[name] = False
                fresh = self._path(name).with_suffix(".new")
                try:
                    self._services[name].save(fresh)
                    os.replace(fresh, self._path(name))
                except BaseException:
                    self._changed[name] = True
                    with contextlib.suppress(OSError):
                        fresh.unlink(missing_ok=True)
                    raise

    def close(self, *, save: bool = True) -> None:
        """Write everything a last time and let go of the folder."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            if save:
                self.save()
        finally:
            self._lock.close()

    def watch(self, name: str, app: Callable[..., Any]) -> Callable[..., Any]:
        """The application; whatever may have changed something makes its state due for writing."""

        def watched(environ: dict[str, Any], start_response: Any) -> Any:
            answer = app(environ, start_response)
            if environ["REQUEST_METHOD"] not in _READS and not environ["PATH_INFO"].endswith(_READING_POSTS):
                self._changed[name] = True
            return answer

        return watched

    def _run(self) -> None:
        pause = self._every
        while not self._stop.wait(pause):
            due = [name for name, changed in self._changed.items() if changed]
            began = time.monotonic()
            try:
                self.save(due)
                self._complained = False
            except OSError as error:
                if not self._complained:
                    sys.stderr.write(f"The sandbox cannot write to {self.folder}: {error.strerror}.\n")
                self._complained = True
            pause = max(self._every, (time.monotonic() - began) / _SHARE_OF_TIME)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"
