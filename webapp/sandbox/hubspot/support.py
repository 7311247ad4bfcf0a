"""Clock, call log and faults in the shape both simulated services share."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Real time plus whatever it was advanced by, or a fixed moment once `set` was called."""

    def __init__(self) -> None:
        self._fixed: datetime | None = None
        self._ahead = timedelta()

    def now(self) -> datetime:
        return (self._fixed or datetime.now(UTC)) + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        self._fixed, self._ahead = moment, timedelta()


@dataclass(frozen=True)
class LoggedCall:
    service: str
    method: str
    path: str
    query: str
    status: int
    portal: int | None
    at: datetime


class CallLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.items: list[LoggedCall] = []

    def add(self, call: LoggedCall) -> None:
        with self._lock:
            self.items.append(call)

    def count(self, method: str | None = None, path: str = "") -> int:
        """How many calls had this method and a path matching the regex."""
        with self._lock:
            return sum(1 for c in self.items if (not method or c.method == method) and re.search(path, c.path))

    def clear(self) -> None:
        with self._lock:
            self.items.clear()


@dataclass
class Fault:
    """Answers `times` matching calls with `status`, before or after the call had its effect."""

    match: str
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    when: str = "before"


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.items: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self.items.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.items:
                if fault.times > 0 and re.search(fault.match, f"{method} {path}"):
                    fault.times -= 1
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self.items.clear()
