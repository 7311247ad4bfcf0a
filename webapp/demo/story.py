"""What the demo prints: one line per step with a tick and its time, a table, addresses. Plain text when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

_WIDTH = 76


class Step:
    """A step under way; `say` changes its line, `done` is what the finished line reads."""

    def __init__(self, story: Story, text: str) -> None:
        self._story = story
        self.done = text
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def say(self, text: str) -> None:
        """How far it is; shown on a terminal only."""
        self._story.pending(text)


class Story:
    """`steps` remembers each finished step with its seconds, `failed` the one that failed."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self._output = output
        self._live = output.isatty()
        self.steps: list[dict[str, object]] = []
        self.failed: str | None = None

    @contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """Shows the step while it lasts; a tick when it is done, a cross when it fails."""
        step = Step(self, text)
        self.pending(f"{text} …")
        try:
            yield step
        except KeyboardInterrupt:
            self.pending("")
            raise
        except BaseException:
            self.failed = text
            self._line("✗", text, step.seconds)
            raise
        self.steps.append({"step": step.done, "seconds": round(step.seconds, 1)})
        self._line("✓", step.done, step.seconds)

    def pending(self, text: str) -> None:
        if self._live:
            self._write(f"\r\x1b[K   {text[: _WIDTH + 8]}" if text else "\r\x1b[K")

    def line(self, text: str = "") -> None:
        """One line of its own."""
        self._write(f"{text}\n")

    def table(self, rows: Sequence[tuple[str, str]]) -> None:
        """Labels on the left, numbers on the right."""
        wide = max(len(value) for _, value in rows)
        for label, value in rows:
            self.line(f"   {label.ljust(_WIDTH - 22)}{value.rjust(wide)}")

    def _line(self, mark: str, text: str, seconds: float) -> None:
        start = "\r\x1b[K" if self._live else ""
        self._write(f"{start} {mark} {text.ljust(_WIDTH)} {seconds:6.1f} s\n")

    def _write(self, text: str) -> None:
        # A reader that went away must not keep us from stopping what we started.
        with suppress(OSError, ValueError):
            self._output.write(text)
            self._output.flush()
