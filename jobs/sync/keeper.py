"""Keeps leases alive while an execution works, and says when one was lost."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import structlog
from flask import Flask, current_app

from webapp.extensions import db
from webapp.store import leases
from webapp.store.leases import IDENTITY, HeldLease, LeaseLost

HEARTBEAT_SECONDS = 8
IDENTITY_WAIT_SECONDS = 45
# Shorter than the gap between two pages of an import, so that somebody who waits gets in there.
LOOK_AGAIN_SECONDS = 0.03

log = structlog.get_logger()


class IdentityBusy(Exception):
    """Another writer of this account holds the identity lock for longer than we wait."""


def owner_name() -> str:
    """Unique per execution, readable in the table: host, process, random part."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


class Keeper:
    """A held stream lease with a heartbeat thread; the identity lock is added for the time of a write."""

    def __init__(self, lease: HeldLease) -> None:
        self.lease = lease
        self.lost = False
        self._identity: HeldLease | None = None
        self._stop = threading.Event()
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's documented way out
        self._thread = threading.Thread(target=self._beat, args=(app,), daemon=True, name="lease-heartbeat")

    def __enter__(self) -> "Keeper":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            # Half of a transaction must not be committed along with the release, nor block the heartbeat's last beat.
            db.session.rollback()
        self._stop.set()
        self._thread.join()
        leases.release(self.lease)

    def check(self) -> None:
        """Raise LeaseLost before an outside write when somebody else runs already."""
        if self.lost:
            raise LeaseLost(self.lease.name)

    def guard(self) -> None:
        """The same inside the database transaction of what is about to be committed."""
        leases.guard(self.lease)
        if self._identity is not None:
            leases.guard(self._identity)

    @contextmanager
    def identity_lock(self) -> Iterator[None]:
        """One writer per account: match, reserve and write happen inside. Raises IdentityBusy after a while."""
        deadline = time.monotonic() + IDENTITY_WAIT_SECONDS
        while True:
            self._identity = leases.acquire(self.lease.hub_id, IDENTITY, self.lease.owner)
            if self._identity is not None:
                break
            self.check()
            if time.monotonic() > deadline:
                raise IdentityBusy
            time.sleep(LOOK_AGAIN_SECONDS)
        try:
            yield
        except BaseException:
            db.session.rollback()
            raise
        finally:
            held, self._identity = self._identity, None
            leases.release(held)

    def _beat(self, app: Flask) -> None:
        with app.app_context():
            while not self._stop.wait(HEARTBEAT_SECONDS):
                try:
                    for lease in (self.lease, self._identity):
                        if lease is not None and not leases.renew(lease) and lease in (self.lease, self._identity):
                            self.lost = True
                            return
                except Exception:
                    # The database is away: the lease runs out by itself and the guard refuses the next write.
                    log.warning("lease_heartbeat_failed", hub_id=self.lease.hub_id, stream=self.lease.name)
