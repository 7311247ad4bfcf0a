"""How far the product is, read from its database, for the demo that waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp import create_app
from webapp.config import Settings
from webapp.store import accounts, connections, issues, settings, streams

STREAMS = ("patients", "contacts", "appointments", "invoices")


@dataclass(frozen=True)
class Progress:
    """Of the streams: `settled` when every one has been through since a moment, `stopped` names one that cannot go on,
    `numbers` are the records read, `moved` changes with all that was achieved, `wait_until` is the end of a wait."""

    settled: bool
    stopped: str | None
    numbers: dict[str, int]
    moved: str
    wait_until: datetime | None


class State:
    """Reads what is stored of one account."""

    def __init__(self, settings: Settings, hub_id: int) -> None:
        self._app = create_app(settings)
        self._hub_id = hub_id

    def installed(self) -> bool:
        with self._reading():
            account = accounts.find_account(self._hub_id)
            return account is not None and account.status == "active"

    def connected(self) -> str | None:
        """The name of the connected Cliniko account."""
        with self._reading():
            found = connections.find_connection(self._hub_id)
            if found is None or found.status != "active":
                return None
            return found.account_name or found.cliniko_account_id

    def prepared(self) -> dict[str, Any] | None:
        """The report of the preparation of HubSpot."""
        with self._reading():
            account = accounts.find_account(self._hub_id)
            if account is None or account.provisioned_at is None:
                return None
            return dict(account.provision_report or {})

    def started(self) -> bool:
        with self._reading():
            return bool(streams.stream_states(self._hub_id))

    def progress(self, since: datetime) -> Progress:
        """How the streams do that were asked to run at `since`."""
        with self._reading():
            states = [s for s in streams.stream_states(self._hub_id) if s.stream in STREAMS and s.state != "off"]
            fresh = [s for s in states if s.last_success_at is not None and s.last_success_at >= since]
            stopped = next((s for s in states if s.state == "stopped"), None)
            waits = [s.wait_until for s in states if s.state == "waiting" and s.wait_until is not None]
            return Progress(
                settled=bool(states) and len(fresh) == len(states) and all(s.state == "idle" for s in states),
                stopped=f"{stopped.stream}: {stopped.cause}" if stopped else None,
                numbers={s.stream: int(s.counts.get("read", 0) or s.counts.get("indexed", 0)) for s in states},
                moved=str([(s.stream, s.cycle_no, s.counts, s.last_success_at) for s in states]),
                wait_until=max(waits) if waits else None,
            )

    def cycle(self, stream: str, since: datetime) -> dict[str, Any]:
        """The counts of the stream's cycles that ended since then, added up."""
        with self._reading():
            total: dict[str, Any] = {}
            for run in streams.last_runs(self._hub_id, stream):
                if run.finished_at >= since:
                    for name, number in run.counts.items():
                        total[name] = total.get(name, 0) + number
            return total

    def needs(self) -> tuple[int, int]:
        """Open issues, and reviews that wait for a person."""
        with self._reading():
            return sum(issues.count_open(self._hub_id).values()), sum(issues.count_reviews(self._hub_id).values())

    def show_amounts(self) -> None:
        """Switch on the amounts of appointments."""
        with self._reading():
            settings.set_setting(self._hub_id, "add_amount_to_appointments", "on")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._app.app_context():
            yield
