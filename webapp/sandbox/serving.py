"""A server for the sandboxes that lets them say what time it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class _Handler(WSGIRequestHandler):
    """Adds a Date only where the application sent none: a sandbox whose clock was moved sends its own."""

    _dated = False

    def send_response(self, code: int | Any, message: str | None = None) -> None:
        self._dated = False
        self.log_request(code)
        self.send_response_only(code, message)
        self.send_header("Server", self.version_string())

    def send_header(self, keyword: str, value: str) -> None:
        self._dated = self._dated or keyword.lower() == "date"
        super().send_header(keyword, value)

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True  # a fault closed it; there is nothing more to read

    def end_headers(self) -> None:
        if not self._dated:
            self.send_header("Date", self.date_time_string())
        super().end_headers()


def sandbox_server(app: Callable[..., Any], host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """A threaded server for a sandbox's `app`; port 0 takes a free one (`server_port` tells which)."""
    return make_server(host, port, app, threaded=True, request_handler=_Handler)
