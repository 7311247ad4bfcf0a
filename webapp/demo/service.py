"""CRMConnect as `make run` starts it, as a child of the demo, with its output in a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import redis

from jobs.worker import die_with_parent
from webapp.config import ROOT
from webapp.demo.place import DemoFailed, Place

UP_WITHIN = 90.0
STOP_WITHIN = 75.0
_TICK = 0.25
_SHOWN_LINES = 12


class Service:
    """`start` in a process of its own; it stops everything that it started."""

    def __init__(self, place: Place) -> None:
        self._place = place
        with place.log.open("wb") as log:
            self._process = subprocess.Popen(  # our own command line
                [sys.executable, "-m", "flask", "--app", "wsgi", "start"],
                cwd=ROOT,
                env=place.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C is ours to pass on; and if we are killed, the kernel tells it to stop.
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGTERM),
            )

    def wait_until_up(self) -> None:
        """Web, database and queue are ready, a worker and the scheduler are there."""
        self.wait_for(self._is_up, UP_WITHIN, "The service did not come up")

    def wait_for(self, true: Callable[[], object], patience: float, problem: str) -> None:
        """Look again and again. Raises DemoFailed when it takes too long or the service ended."""
        deadline = time.monotonic() + patience
        while not true():
            self.check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"{problem} within {patience:.0f} seconds.")
            time.sleep(_TICK)

    def check(self) -> None:
        """Raises DemoFailed when the service has ended."""
        if self._process.poll() is not None:
            raise DemoFailed("The service ended by itself.")

    def stop(self) -> bool:
        """End it and all that it started; False when that needed force."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """At once. Its children notice that it is gone."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _is_up(self) -> bool:
        try:
            if httpx.get(f"{self._place.url('web')}/readyz", timeout=5).status_code != 200:
                return False
            with redis.Redis.from_url((self._place.folder / "valkey.url").read_text(encoding="utf-8")) as queue:
                return bool(queue.exists("rq:workers")) and bool(queue.exists("crmconnect:scheduler"))
        except (httpx.TransportError, OSError, ValueError, redis.RedisError):
            return False


def telling_lines(log: Path) -> list[str]:
    """The end of the log, warnings and errors first: they explain a failure better than what came last."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    telling = [line for line in lines if _is_telling(line)]
    return (telling or lines)[-_SHOWN_LINES:]


def _is_telling(line: str) -> bool:
    text = line.partition(" | ")[2]
    try:
        entry = json.loads(text)
    except ValueError:
        # The supervisor's own lines and traces of a program that fell over.
        return bool(text) and not text.startswith("INFO")
    return isinstance(entry, dict) and entry.get("level") not in ("info", "debug")
