"""The commands that run the service: `worker`, `scheduler`, and `start`, the supervisor behind `make run`."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
from contextlib import ExitStack
from types import FrameType
from urllib.parse import urlsplit

import click
import redis
from flask import current_app
from flask.cli import with_appcontext

from webapp.config import current_settings
from webapp.extensions import get_redis

DEFAULT_PORT = 8000
# Seconds a process has to finish what it does; executions are short, but one may wait for an API's limit.
STOP_WITHIN = 60


@click.command("worker")
@click.option("--burst", is_flag=True, help="Leave when the queues are empty.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    envvar="WORKER_PROCESSES",
    help="Worker processes. The first serves only what a person waits for.",
)
@with_appcontext
def worker(burst: bool, processes: int) -> None:
    """Run background jobs: a pool of processes, one of them reserved for pushes to Cliniko.

    SIGTERM lets running jobs end, then leaves.
    """
    # Loaded before the fork: a job then starts in milliseconds.
    import jobs.tasks.dispatch
    import jobs.tasks.housekeeping
    import jobs.tasks.sync  # noqa: F401
    from jobs import context
    from jobs.worker import Pool

    context.use_app(current_app._get_current_object())  # type: ignore[attr-defined]
    Pool(_reachable_redis(), processes).run(burst=burst)


@click.command("scheduler")
@with_appcontext
def scheduler() -> None:
    """Queue what is due, every few seconds. One leads; a second stands by and takes over when the first is gone."""
    from jobs import schedule

    schedule.run(_reachable_redis())


@click.command("start")
@click.option("--port", type=click.IntRange(1, 65535), envvar="PORT", help="Port of the web server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the web server listens on.")
@click.option(
    "--web-workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    envvar="WEB_CONCURRENCY",
    help="Processes of the web server.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    envvar="WORKER_PROCESSES",
    help="Worker processes.",
)
@with_appcontext
def start(port: int | None, host: str, web_workers: int, processes: int) -> None:
    """Run web, worker and scheduler together, and a queue server of its own when REDIS_URL is not set.

    Brings the database up to date first. Ctrl-C and SIGTERM stop everything and leave no process behind.
    """
    from flask_migrate import upgrade

    from webapp.extensions import db

    settings = current_settings()
    port = port or _port_of(settings.public_url)
    _refuse_taken_port(host, port)
    # Until the supervisor has handlers of its own, a signal must still close what was opened.
    signal.signal(signal.SIGTERM, _leave)
    with ExitStack() as stack:
        env = dict(os.environ)
        if settings.redis_url is None:
            from webapp.queue_server import embedded_server

            env["REDIS_URL"] = stack.enter_context(embedded_server())
        else:
            _reachable_redis()
        upgrade()
        db.engine.dispose()
        returncode = _supervise(
            {
                "web": [
                    *(sys.executable, "-m", "gunicorn", "--bind", f"{host}:{port}", "--workers", str(web_workers)),
                    *("--threads", "8", "--graceful-timeout", "10", "--log-level", "warning", "--no-control-socket"),
                    "wsgi:app",
                ],
                "worker": [*_flask(), "worker", "--processes", str(processes)],
                "scheduler": [*_flask(), "scheduler"],
            },
            env,
        )
    sys.exit(returncode)


def _supervise(commands: dict[str, list[str]], env: dict[str, str]) -> int:
    """Run the commands until one ends or a signal arrives, then end the others. 0 when a signal ended them."""
    import honcho.manager
    from honcho.printer import Printer

    class Supervisor(honcho.manager.Manager):
        """Counts its waiting time from the signal, also from one that comes while processes still start."""

        stop_asked = False

        def terminate(self) -> None:
            self.stop_asked = True
            if self._all_started():
                super().terminate()

        def _any_stopped(self) -> bool:
            return self.stop_asked or bool(super()._any_stopped())

    honcho.manager.KILL_WAIT = STOP_WITHIN
    supervisor = Supervisor(Printer(sys.stdout))
    for name, command in commands.items():
        # exec: the process is the command itself, not a shell around it
        supervisor.add_process(name, "exec " + shlex.join(command), env=env)
    supervisor.loop()
    stopped_by_signal = supervisor.returncode in {128 + signal.SIGINT, 128 + signal.SIGTERM}
    return 0 if stopped_by_signal else int(supervisor.returncode or 1)


def _flask() -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi"]


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _port_of(public_url: str | None) -> int:
    """The port HubSpot and browsers use, when they reach this machine directly; else the default."""
    parts = urlsplit(public_url or "")
    return parts.port or DEFAULT_PORT if parts.hostname in {"localhost", "127.0.0.1", "::1"} else DEFAULT_PORT


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is taken. Stop what uses it, or choose another with --port and in PUBLIC_URL."
            ) from None


def _reachable_redis() -> redis.Redis:
    connection = get_redis()
    try:
        connection.ping()
    except redis.RedisError:
        raise click.ClickException(
            "REDIS_URL cannot be reached. Start Redis or Valkey there, or correct REDIS_URL."
        ) from None
    return connection
