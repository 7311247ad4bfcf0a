"""Clock, call log and faults in the shape both simulated services share."""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from werkzeug.wrappers import Request, Response

Who = TypeVar("Who", int, str)
_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends a reset


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
    portal: int | str | None  # the HubSpot portal or the Cliniko account
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
    """Spoils `times` calls whose "METHOD /path" matches.

    `kind`: "status" answers with `status`, `headers` and `body`; "reset" drops the connection; "truncate" sends the
    first half of the true answer; "slow" sends the true answer late. `when` says whether the call has had its effect
    by then ("before": no effect; a true answer always means that it had one). `delay` seconds pass first, which is
    how a client is made to time out.
    """

    match: str
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    when: str = "before"
    delay: float = 0.0
    kind: str = "status"

    def __post_init__(self) -> None:
        if self.when not in ("before", "after") or self.kind not in ("status", "reset", "truncate", "slow"):
            raise ValueError(f"no fault is {self.kind} {self.when} the effect")


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


class Service(Protocol):
    """What both sandboxes have."""

    clock: SandboxClock
    faults: Faults
    calls: CallLog


def serve(
    name: str, service: Service, request: Request, answer: Callable[[Request], tuple[Response, Who | None]]
) -> Response:
    """Answer one call, spoilt by the fault that waits for it, if any, and write it to the call log."""
    fault = service.faults.take(request.method, request.path)
    who: Who | None = None
    response: Response | None = None
    needs_answer = fault is None or fault.kind in ("truncate", "slow")
    if fault is not None:
        request.get_data()  # the caller has sent everything; what goes wrong goes wrong afterwards
        if fault.when == "before":
            time.sleep(fault.delay)
    if needs_answer or (fault is not None and fault.when == "after"):
        response, who = answer(request)
    if fault is not None:
        if fault.when == "after":
            time.sleep(fault.delay)
        response = _spoilt(fault, response)
    query = request.query_string.decode(errors="replace")
    status = response.status_code if response is not None else 0
    service.calls.add(LoggedCall(name, request.method, request.path, query, status, who, service.clock.now()))
    if response is None:
        _reset(request)
        raise ConnectionResetError("dropped by the sandbox")
    return response


def _spoilt(fault: Fault, response: Response | None) -> Response | None:
    """The answer to send; None to drop the connection."""
    if fault.kind == "reset":
        return None
    if fault.kind == "status" or response is None:
        return Response(fault.body, status=fault.status, headers=fault.headers)
    if fault.kind == "truncate":
        body = response.get_data()
        response.set_data(body[: len(body) // 2])
    return response


def _reset(request: Request) -> None:
    """Close the connection so hard that the other side gets a reset; needs the server's own socket."""
    connection = request.environ.get("werkzeug.socket") or request.environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        os.close(connection.detach())
