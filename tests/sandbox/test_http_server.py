"""The sandboxes' HTTP server on bare connections: kept ones, odd requests, clean ends."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from webapp.sandbox.http_server import HttpServer


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    path = environ["PATH_INFO"]
    if path == "/broken":
        raise RuntimeError("a bug")
    if path == "/slow":
        time.sleep(0.5)
    if path == "/empty":
        start_response("204 No Content", [])
        return []
    start_response("200 OK", [("Date", "Tue, 24 Nov 2026 10:00:00 GMT")] if path == "/dated" else [])
    asked = {name: environ[name] for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")}
    return [json.dumps({**asked, "body": environ["wsgi.input"].read().decode()}).encode()]


@pytest.fixture
def server() -> Iterator[HttpServer]:
    made = HttpServer(echo)
    made.start()
    yield made
    made.stop()


class Wire:
    """A bare connection."""

    def __init__(self, server: HttpServer) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def ask(self, text: str) -> tuple[str, dict[str, str], bytes]:
        self.socket.sendall(text.replace("\n", "\r\n").encode())
        return self.read()

    def read(self) -> tuple[str, dict[str, str], bytes]:
        status = self.file.readline().decode().strip()
        headers = {}
        while line := self.file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self.file.read(int(headers.get("content-length", 0)))

    def ended(self) -> bool:
        return self.file.read(1) == b""


def test_a_connection_serves_one_request_after_the_other(server: HttpServer) -> None:
    with Wire(server) as wire:
        for path in ("/a", "/b%20c?q[]=id:>1&q%5B%5D=x"):
            status, headers, body = wire.ask(f"GET {path} HTTP/1.1\nHost: x\n\n")
            assert status == "HTTP/1.1 200 OK"
            assert headers["connection"] == "keep-alive"
            assert "date" in headers
        assert json.loads(body) == {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/b c",
            "QUERY_STRING": "q[]=id:>1&q%5B%5D=x",
            "body": "",
        }
        status, headers, body = wire.ask("POST /c HTTP/1.1\nContent-Length: 5\n\nhello")
        assert json.loads(body)["body"] == "hello"
        assert wire.ask("GET /empty HTTP/1.1\n\n")[1].get("content-length") is None
        assert wire.ask("HEAD /h HTTP/1.1\nConnection: close\n\n")[1]["connection"] == "close"
        assert wire.ended()


def test_a_client_of_the_product_reuses_its_connection(server: HttpServer) -> None:
    with httpx.Client() as client:
        ports = set()
        for _ in range(5):
            answer = client.get(server.url)
            ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
        assert len(ports) == 1


def test_other_shapes_of_requests(server: HttpServer) -> None:
    with Wire(server) as wire:
        chunks = "POST /c HTTP/1.1\nTransfer-Encoding: chunked\n\n5\nhello\n6;x=y\n world\n0\nTrailer: 1\n\n"
        assert json.loads(wire.ask(chunks)[2])["body"] == "hello world"
        whole = "GET http://other.example/path?x=1 HTTP/1.1\n\n"
        assert json.loads(wire.ask(whole)[2])["PATH_INFO"] == "/path"
        wire.socket.sendall(b"POST /c HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert wire.read()[0] == "HTTP/1.1 100 Continue"
        assert json.loads(wire.ask("ok")[2])["body"] == "ok"
        assert wire.ask("GET /dated HTTP/1.1\n\n")[1]["date"] == "Tue, 24 Nov 2026 10:00:00 GMT"
    with Wire(server) as wire:
        assert wire.ask("GET /old HTTP/1.0\n\n")[1]["connection"] == "close"
        assert wire.ended()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("nonsense\n\n", 400),
        ("GET / HTTP/2.0\n\n", 505),
        ("GET / HTTP/1.1\nno colon\n\n", 400),
        ("POST / HTTP/1.1\nContent-Length: many\n\n", 400),
        ("POST / HTTP/1.1\nContent-Length: 99999999999\n\n", 413),
        ("POST / HTTP/1.1\nTransfer-Encoding: chunked\n\nzz\n", 400),
        (f"GET /{'x' * 70_000} HTTP/1.1\n\n", 414),
        ("GET / HTTP/1.1\n" + "A: b\n" * 300 + "\n", 431),
    ],
)
def test_what_is_no_request_is_refused_and_ends_the_connection(server: HttpServer, text: str, status: int) -> None:
    with Wire(server) as wire:
        assert wire.ask(text)[0].split()[1] == str(status)
        with contextlib.suppress(ConnectionResetError):  # what was not read makes the end a reset
            assert wire.ended()


def test_a_bug_in_the_application_is_a_500_and_is_shown(server: HttpServer, capfd: pytest.CaptureFixture[str]) -> None:
    with Wire(server) as wire:
        assert wire.ask("GET /broken HTTP/1.1\n\n")[0] == "HTTP/1.1 500 Internal Server Error"
        assert wire.ask("GET / HTTP/1.1\n\n")[0] == "HTTP/1.1 200 OK"
    assert "RuntimeError: a bug" in capfd.readouterr().err


def test_stopping_ends_idle_connections_at_once_and_lets_answers_finish() -> None:
    made = HttpServer(echo)
    made.start()
    with Wire(made) as idle, Wire(made) as busy:
        idle.ask("GET / HTTP/1.1\n\n")
        busy.socket.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        time.sleep(0.1)
        began = time.monotonic()
        made.stop()
        assert time.monotonic() - began < 3
        assert idle.ended()
        status, _, body = busy.read()
        assert status == "HTTP/1.1 200 OK"
        assert json.loads(body)["PATH_INFO"] == "/slow"
    made.stop()  # a second time is harmless


def test_many_clients_at_once(server: HttpServer) -> None:
    seen: list[int] = []

    def ask() -> None:
        with httpx.Client() as client:
            seen.extend(client.get(server.url).status_code for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [200] * 320
