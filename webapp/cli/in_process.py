"""What long work in the command's own process shares: quiet logs, a clean stop, failures in one plain line."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from jobs.failures import describe
from webapp.cli.output import Failure
from webapp.extensions import db
from webapp.store.accounts import UnknownAccount
from webapp.store.settings import BadSetting


@contextmanager
def in_process() -> Iterator[None]:
    """Work that may be stopped at any time and loses nothing by it."""
    with _quiet_logs(), _stoppable():
        try:
            yield
        except KeyboardInterrupt:
            db.session.rollback()
            raise Failure("Stopped. Nothing is lost: the next run goes on from here.") from None
        except (Failure, UnknownAccount, BadSetting):
            raise
        except Exception as error:
            # Its text may repeat values of a person, as database errors do.
            db.session.rollback()
            text = f"Something went wrong on our side ({describe(error)}). Nothing is lost: run it again."
            raise Failure(text) from None


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """A log line for each API call would hide the progress and the result."""
    root = logging.getLogger()
    level = root.level
    if level > logging.DEBUG:
        root.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        root.setLevel(level)


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends this as Ctrl-C does: what is under way is given back, not left to expire."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
