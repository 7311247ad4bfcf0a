"""Runs several programs as one: their lines in one output, and all of them ended when one ends or a signal comes."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from types import FrameType
from typing import IO, TextIO

from jobs.worker import die_with_parent
from webapp.config import ROOT

# Seconds a program has to finish what it does; executions are short, but one may wait for an API's limit.
STOP_WITHIN = 60.0
# A signal that comes so soon after the first is the same request, passed on by a shell or by make.
SAME_REQUEST = 2.0
_NAME = "start"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Starts programs, watches them, stops them. To be used in the main thread, once."""

    def __init__(self, output: TextIO = sys.stdout, stop_within: float = STOP_WITHIN) -> None:
        self._output = output
        self._stop_within = stop_within
        self._write_lock = threading.Lock()
        self._width = len("scheduler")
        self._events: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._readers: list[threading.Thread] = []
        self._first_signal: float | None = None

    def run(
        self,
        commands: Mapping[str, Sequence[str]],
        env: Mapping[str, str],
        watched: Mapping[str, subprocess.Popen[bytes]] | None = None,
    ) -> int:
        """Run until one program ends or a signal comes (SIGINT, SIGTERM, SIGHUP), then end the others.

        0 when a signal ended them in good order; otherwise the exit code of the one that ended by itself, or 1.
        `watched` are programs that the caller started and stops."""
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            self._width = max(map(len, [*commands, *(watched or {}), _NAME]))
            for name, command in commands.items():
                self._start(name, command, env)
            for name, process in self._running.items():
                self._watch(name, process)
                self._read(name, process.stdout)
            for name, process in (watched or {}).items():
                self._watch(name, process)
            return self._until_the_end({**self._running, **(watched or {})})
        finally:
            self._kill()
            for reader in self._readers:
                reader.join(timeout=2)
            for number, handler in before.items():
                signal.signal(number, handler)

    def say(self, text: str, name: str = _NAME) -> None:
        """One line of the common output; a reader that went away stops nothing."""
        line = f"{datetime.now().astimezone():%H:%M:%S} {name.ljust(self._width)} | {text}\n"
        with self._write_lock:
            try:
                self._output.write(line)
                self._output.flush()
            except (OSError, ValueError):
                _discard(self._output)

    def _until_the_end(self, everything: Mapping[str, subprocess.Popen[bytes]]) -> int:
        kind, name = self._events.get()
        if kind == "signal":
            self.say(f"{name}: stopping. Running work ends first.")
            code = 0
        else:
            ended = everything[name].returncode
            self.say(f"{name} {_how(ended)}, so everything stops.")
            code = ended if ended > 0 else 1
        in_time = self._stop()
        self.say("Stopped." if in_time else "Stopped. What did not end by itself was killed; no work is lost by that.")
        return code if in_time else code or 1

    def _stop(self) -> bool:
        """Ask every program to end and wait; False when some had to be killed."""
        for process in self._running.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + self._stop_within
        while any(process.poll() is None for process in self._running.values()):
            left = deadline - time.monotonic()
            try:
                kind, _ = self._events.get(timeout=max(0.0, min(left, 1.0)))
            except queue.Empty:
                kind = ""
            if left <= 0 or kind == "hurry":
                self._kill()
                return False
        return True

    def _start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._running[name] = subprocess.Popen(  # noqa: S603  # our own command lines
            list(command),
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A Ctrl-C reaches the whole group of the terminal. We pass it on ourselves, once and in order.
            start_new_session=True,
            preexec_fn=partial(die_with_parent, signal.SIGTERM),
        )

    def _watch(self, name: str, process: subprocess.Popen[bytes]) -> None:
        def wait() -> None:
            process.wait()
            self._events.put(("ended", name))

        threading.Thread(target=wait, daemon=True, name=f"wait-{name}").start()

    def _read(self, name: str, pipe: IO[bytes] | None) -> None:
        def copy() -> None:
            for line in pipe or ():
                self.say(line.decode("utf-8", "replace").rstrip("\r\n"), name)

        reader = threading.Thread(target=copy, daemon=True, name=f"read-{name}")
        reader.start()
        self._readers.append(reader)

    def _kill(self) -> None:
        """Whatever is left of the programs and of what they started in their groups."""
        for process in self._running.values():
            _signal(process, signal.SIGKILL)
            process.wait()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        moment = time.monotonic()
        if self._first_signal is None:
            self._first_signal = moment
            self._events.put(("signal", signal.Signals(number).name))
        elif moment - self._first_signal > SAME_REQUEST:
            self._events.put(("hurry", ""))


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the program itself; a kill also to everything in its group."""
    with suppress(ProcessLookupError, PermissionError):
        if number is signal.SIGKILL:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)


def _discard(output: TextIO) -> None:
    """Nobody reads any more: let what follows vanish, also what Python flushes at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output.fileno())
        os.close(nowhere)


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended by itself with exit code {returncode}"
