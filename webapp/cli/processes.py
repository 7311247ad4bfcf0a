"""The commands that run the service: `worker`, `scheduler`, and `start`, the supervisor behind `make run`."""

from __future__ import annotations

import errno
import os
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
from sqlalchemy.exc import SQLAlchemyError

from webapp.cli.output import Failure, plain_errors
from webapp.clients.urls import is_loopback
from webapp.config import current_settings
from webapp.extensions import db, get_redis

_processes = click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Worker processes; the first serves only what a person waits for. Default: WORKER_PROCESSES.",
)


@click.command("worker")
@click.option("--burst", is_flag=True, help="Leave when the queues are empty.")
@_processes
@with_appcontext
@plain_errors
def worker(burst: bool, processes: int | None) -> None:
    """Run background jobs: a pool of processes, one of them reserved for pushes to Cliniko.

    SIGTERM lets running jobs end, then leaves.
    """
    # Loaded before the fork: a job then starts in milliseconds.
    import jobs.tasks.connect
    import jobs.tasks.dispatch
    import jobs.tasks.hooks
    import jobs.tasks.housekeeping
    import jobs.tasks.push
    import jobs.tasks.sync
    import jobs.tasks.uninstall  # noqa: F401
    from jobs import context
    from jobs.worker import Pool

    _check_database()
    context.use_app(current_app._get_current_object())  # type: ignore[attr-defined]
    Pool(_reachable_redis(), processes or current_settings().worker_processes).run(burst=burst)


@click.command("scheduler")
@with_appcontext
@plain_errors
def scheduler() -> None:
    """Queue what is due, every few seconds. One leads; a second stands by and takes over when the first is gone."""
    from jobs import schedule

    schedule.run(_reachable_redis())


@click.command("start")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server. Default: WEB_PORT.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the web server listens on.")
@click.option(
    "--web-workers",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    envvar="WEB_CONCURRENCY",
    help="Processes of the web server.",
)
@_processes
@with_appcontext
@plain_errors
def start(port: int | None, host: str, web_workers: int, processes: int | None) -> None:
    """Run web, worker and scheduler together, and a queue server of its own when REDIS_URL is not set.

    Brings the database up to date first. Ctrl-C and SIGTERM stop everything and leave no process behind; running
    work ends first, a second Ctrl-C does not wait for it.
    """
    # Loaded here: the other commands need none of it.
    from flask_migrate import upgrade

    from webapp.queue_server import embedded_server
    from webapp.supervisor import Supervisor

    settings = current_settings()
    port = port or settings.web_port
    processes = processes or settings.worker_processes
    _refuse_taken_port(host, port)
    # Until the supervisor has handlers of its own, a signal must still close what was opened.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with ExitStack() as stack:
        env, watched = dict(os.environ), {}
        if settings.redis_url is None:
            server = stack.enter_context(embedded_server(settings.var_dir))
            env["REDIS_URL"] = server.url
            if server.process is not None:
                watched["queue"] = server.process
        else:
            _reachable_redis()
        _check_database()
        upgrade()
        db.session.remove()
        db.engine.dispose()
        supervisor = Supervisor()
        supervisor.say(f"Starting web on http://{_bind(host, port)}, {processes} worker processes, scheduler.")
        if _differs(settings.public_url, port):
            supervisor.say(f"PUBLIC_URL is {settings.public_url}: browsers look there, not on port {port}.")
        commands = {
            "web": [
                *(sys.executable, "-m", "gunicorn", "--bind", _bind(host, port), "--workers", str(web_workers)),
                *("--threads", "8", "--graceful-timeout", "10", "--log-level", "warning", "--no-control-socket"),
                "wsgi:app",
            ],
            "worker": [*_flask(), "worker", "--processes", str(processes)],
            "scheduler": [*_flask(), "scheduler"],
        }
        returncode = supervisor.run(commands, env, watched)
    sys.exit(returncode)


def _flask() -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi"]


def _leave(signum: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _bind(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _differs(public_url: str, port: int) -> bool:
    """Does the public address name this machine, but another port? Right behind a proxy, a mistake without one."""
    parts = urlsplit(public_url)
    return is_loopback(parts.hostname or "") and (parts.port or (443 if parts.scheme == "https" else 80)) != port


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise Failure(_port_problem(problem, host, port)) from None


def _port_problem(problem: OSError, host: str, port: int) -> str:
    if problem.errno == errno.EADDRINUSE:
        return (
            f"WEB_PORT {port} is taken by another program: stop that one, or choose a free port "
            "in WEB_PORT and PUBLIC_URL."
        )
    if problem.errno == errno.EACCES:
        return f"WEB_PORT {port} may not be opened by this user: choose one above 1023 in WEB_PORT and PUBLIC_URL."
    return f"--host {host} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for every address."


def _check_database() -> None:
    """One line when the database does not answer. Leaves no connection open that a fork would share."""
    try:
        with db.engine.connect():
            pass
    except SQLAlchemyError:
        raise Failure(
            "DATABASE_URL cannot be reached: start the database there, or correct its host, name, user and password."
        ) from None
    finally:
        db.engine.dispose()


def _reachable_redis() -> redis.Redis:
    try:
        connection: redis.Redis = get_redis()
        connection.ping()
    except (redis.RedisError, OSError, ValueError):
        raise Failure(
            "REDIS_URL cannot be reached: start Redis or Valkey there, correct REDIS_URL, "
            "or leave it empty for the embedded server."
        ) from None
    return connection


COMMANDS = (worker, scheduler, start)
