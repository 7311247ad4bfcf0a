"""A small HTTP server on a real socket that answers by script, and fails in the ways that real services fail.

    stub.answer(Reply(json={"id": "1"}))            the next call gets this
    stub.answer(Reset("after_reading"), Reply())    the next two calls, in this order
    stub.always(Reply(502, body=HTML, headers=…))   every further call
    stub.always(lambda seen: Reply(json=…))         every further call, by what it asks

A call without an answer left gets a 599, so that a test fails loudly.
"""

import json as jsonlib
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

BAD_GATEWAY_PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>marker-page</body></html>"


@dataclass(frozen=True)
class Seen:
    """A request as it came in. `target` is the raw path with its query, header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.raw_query, keep_blank_values=True)

    @property
    def conditions(self) -> list[str]:
        return [value for name, value in self.query if name == "q[]"]

    @property
    def segments(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.target).path.split("/")[1:]]

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """An answer after `delay` seconds. `cut` leaves that many bytes of the announced body unsent."""

    status: int = 200
    json: Any = None
    body: str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int = 0

    def content(self) -> bytes:
        if self.body is not None:
            return self.body.encode() if isinstance(self.body, str) else self.body
        return b"" if self.json is None else jsonlib.dumps(self.json).encode()


@dataclass(frozen=True)
class Reset:
    """The connection is torn down (RST), before the request was read or after."""

    when: Literal["before_reading", "after_reading"]


@dataclass(frozen=True)
class Hang:
    """No answer at all for `seconds`. `applied` says whether the request took effect (it is then in `applied`)."""

    seconds: float
    applied: bool


Answer = Reply | Reset | Hang


class HttpStub:
    """`seen` are all requests that were read, `applied` those that took effect, `connections` counts them."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.applied: list[Seen] = []
        self.connections = 0
        self._script: deque[Answer] = deque()
        self._fallback: Answer | Callable[[Seen], Answer] = Reply(599, body="no answer was scripted")
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, *answers: Answer) -> None:
        with self._lock:
            self._script.extend(answers)

    def always(self, answer: Answer | Callable[[Seen], Answer]) -> None:
        self._fallback = answer

    @property
    def left(self) -> int:
        """How many scripted answers were not asked for."""
        return len(self._script)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        with self._lock:
            sockets = list(self._open)
        for connection in sockets:
            with _quiet():
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    # Used by the handler

    def next_is_blind(self) -> bool:
        """True, and taken off the script, when the connection is to be reset before its next request is read."""
        with self._lock:
            if self._script and self._script[0] == Reset("before_reading"):
                self._script.popleft()
                return True
        return False

    def take(self, seen: Seen) -> Answer:
        with self._lock:
            self.seen.append(seen)
            answer = self._script.popleft() if self._script else self._fallback
            if callable(answer):
                answer = answer(seen)
            fine = isinstance(answer, Reply) and answer.status < 300
            if fine or (isinstance(answer, Hang) and answer.applied):
                self.applied.append(seen)
        return answer

    def wait(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def track(self, connection: socket.socket, *, opened: bool) -> None:
        with self._lock:
            self.connections += opened
            (self._open.add if opened else self._open.discard)(connection)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64
    stub: HttpStub


class _Handler(socketserver.BaseRequestHandler):
    """One connection, kept alive between requests."""

    def handle(self) -> None:
        stub: HttpStub = self.server.stub  # type: ignore[attr-defined]
        stub.track(self.request, opened=True)
        with _quiet():
            self.request.settimeout(30)
            # The request has begun to arrive: a reset before that would be a connection that was never made.
            while self.request.recv(1, socket.MSG_PEEK):
                if stub.next_is_blind():
                    _reset(self.request)
                    break
                seen = _read(self.request)
                if seen is None or not self._serve(stub, seen):
                    break
        stub.track(self.request, opened=False)

    def _serve(self, stub: HttpStub, seen: Seen) -> bool:
        answer = stub.take(seen)
        if isinstance(answer, Reset):
            _reset(self.request)
            return False
        if isinstance(answer, Hang):
            stub.wait(answer.seconds)
            return False
        if answer.delay:
            stub.wait(answer.delay)
        content = answer.content()
        headers = {"Content-Type": "application/json", "Date": formatdate(time.time(), usegmt=True), **answer.headers}
        if answer.status != 204:
            headers["Content-Length"] = str(len(content))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = content[: len(content) - answer.cut]
        self.request.sendall(f"HTTP/1.1 {answer.status} Scripted\r\n{head}\r\n".encode("latin-1") + sent)
        return not answer.cut


def _read(connection: socket.socket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65_536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return Seen(method, target, headers, body)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _quiet() -> suppress:
    """The client went away, which is the point of some tests."""
    return suppress(OSError)


@contextmanager
def serving() -> Iterator[HttpStub]:
    stub = HttpStub()
    try:
        yield stub
    finally:
        stub.close()


@contextmanager
def refusing_url() -> Iterator[str]:
    """An address where nobody listens: a connection is refused at once."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound but not listening, so that nobody else takes the port
        yield f"http://127.0.0.1:{holder.getsockname()[1]}"


@contextmanager
def clogged_url() -> Iterator[str]:
    """An address whose queue of connections is full: a connection is never made."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        try:
            for one in waiting:
                one.setblocking(False)
                with _quiet():
                    one.connect(address)
            yield f"http://127.0.0.1:{address[1]}"
        finally:
            for one in waiting:
                one.close()
