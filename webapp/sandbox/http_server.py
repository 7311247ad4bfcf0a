"""A small threaded HTTP/1.1 server for the sandboxes: it keeps connections open, answers in one piece, prints nothing.

Servers made for development close the connection after every answer, which costs a client more time than the answer.
"""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MAX_LINE = 65_536
MAX_HEADERS = 200
MAX_BODY = 64 * 1024 * 1024
# Seconds an idle connection is kept; clients give theirs up earlier.
IDLE_SECONDS = 75
STOP_SECONDS = 5


class HttpServer(socketserver.TCPServer):
    """Serves one WSGI application on one address, a thread for each connection. `start` and `stop` it once."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, app: Application, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self.stopping = False
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Connection)
        self.port: int = self.server_address[1]
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self.port}"
        self._accepting = threading.Thread(target=self.serve_forever, args=(0.05,), name=self.url, daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        """Accept no more, let answers under way end for some seconds, close every connection."""
        self.stopping = True
        if self._accepting.is_alive():
            self.shutdown()
            self._accepting.join()
        self.server_close()
        deadline = time.monotonic() + STOP_SECONDS
        with self._guard:
            open_now = dict(self._connections)
        for connection in open_now.values():
            _shut(connection, socket.SHUT_RD)  # an idle one ends here; a busy one still sends its answer
        for thread, connection in open_now.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _shut(connection, socket.SHUT_RDWR)
                thread.join(1)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._guard:
            self._connections[thread] = request
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # the other side left, or a fault of the sandbox dropped the connection
        finally:
            self.shutdown_request(request)
            with self._guard:
                self._connections.pop(threading.current_thread(), None)


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # closed already
        connection.shutdown(how)


class _Refused(Exception):
    """What was sent is no request that we read; the connection is closed after the answer."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Connection(socketserver.StreamRequestHandler):
    """One connection: requests one after the other until either side wants to close."""

    server: HttpServer
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while not self.server.stopping:
            try:
                environ = self._read()
            except _Refused as refusal:
                self._send(f"{refusal.status.value} {refusal.status.phrase}", [], b"", close=True)
                return
            if environ is None:
                return
            close = _wants_close(environ) or self.server.stopping
            self._answer(environ, close=close)
            if close:
                return

    def _read(self) -> dict[str, Any] | None:
        line = self._line()
        if line == b"\r\n":  # some clients end a body with an empty line too many
            line = self._line()
        if not line:
            return None
        try:
            method, target, protocol = line.decode("latin-1").split()
        except ValueError:
            raise _Refused(HTTPStatus.BAD_REQUEST) from None
        if not protocol.startswith("HTTP/1."):
            raise _Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        headers = self._headers()
        if not target.startswith("/"):  # a whole address, as proxies send it
            parts = urlsplit(target)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": target,
            "REQUEST_URI": target,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "SERVER_NAME": str(self.server.server_address[0]),
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": protocol,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            # Under this name the sandboxes find the connection that a fault wants dropped.
            "werkzeug.socket": self.connection,
            **headers,
        }
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(environ)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = io.BytesIO(body)
        return environ

    def _line(self) -> bytes:
        try:
            line = self.rfile.readline(MAX_LINE + 1)
        except TimeoutError:
            return b""
        if len(line) > MAX_LINE:
            raise _Refused(HTTPStatus.REQUEST_URI_TOO_LONG)
        return line

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for _ in range(MAX_HEADERS + 1):
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return found
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or name != name.strip():
                raise _Refused(HTTPStatus.BAD_REQUEST)
            if "_" in name:
                continue  # could pass for a header with a hyphen
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            value = value.strip()
            found[key] = f"{found[key]},{value}" if key in found else value
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _body(self, environ: dict[str, Any]) -> bytes:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            return self._chunks()
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            raise _Refused(HTTPStatus.BAD_REQUEST)
        if int(length) > MAX_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self._exactly(int(length))

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            try:
                size = int(self._line().split(b";")[0], 16)
            except ValueError:
                raise _Refused(HTTPStatus.BAD_REQUEST) from None
            if size < 0 or len(body) + size > MAX_BODY:
                raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            body += self._exactly(size)
            if size == 0:
                while self._line() not in (b"\r\n", b"\n", b""):
                    pass  # trailers
                return bytes(body)
            self._line()

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size) if size else b""
        if len(data) < size:
            raise ConnectionError("the body ended early")
        return data

    def _answer(self, environ: dict[str, Any], *, close: bool) -> None:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            started[:] = [(status, headers)]
            return lambda data: None

        try:
            answer = self.server.app(environ, start_response)
            try:
                body = b"".join(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()
            status, headers = started[0]
        except OSError:
            raise
        except Exception:
            traceback.print_exc()
            status, headers, body = "500 Internal Server Error", [], b""
        self._send(status, headers, body, close=close, head=environ["REQUEST_METHOD"] == "HEAD")

    def _send(
        self, status: str, headers: list[tuple[str, str]], body: bytes, *, close: bool, head: bool = False
    ) -> None:
        """One write for the whole answer; a Date only where the application sent none, as its clock may be moved."""
        names = {name.lower() for name, _ in headers}
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if "date" not in names:
            lines.append(f"Date: {formatdate(usegmt=True)}")
        without_body = status[:3] in ("204", "304") or status[0] == "1"
        if "content-length" not in names and not without_body:
            lines.append(f"Content-Length: {len(body)}")
        lines.append("Connection: close" if close else "Connection: keep-alive")
        start = "\r\n".join((*lines, "", "")).encode("latin-1")
        self.wfile.write(start if head or without_body else start + body)


def _wants_close(environ: dict[str, Any]) -> bool:
    wish = environ.get("HTTP_CONNECTION", "").lower()
    return "close" in wish or (environ["SERVER_PROTOCOL"] == "HTTP/1.0" and "keep-alive" not in wish)
