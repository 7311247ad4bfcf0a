"""The simulated Cliniko: accounts with their rows and keys, and one WSGI application around them.

A stored row holds the API's own field names and JSON values. Only relations differ: they are stored as `<name>_id`
(text or None) and become link objects when they are shown.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from webapp.sandbox.cliniko import state
from webapp.sandbox.cliniko.api import Api
from webapp.sandbox.cliniko.limits import RateLimits
from webapp.sandbox.cliniko.site import Site
from webapp.sandbox.cliniko.table import Row, Table
from webapp.sandbox.support import CallLog, Faults, SandboxClock, serve

TABLES = (
    "patients",
    "contacts",
    "individual_appointments",
    "group_appointments",
    "unavailable_blocks",
    "attendees",
    "invoices",
    "invoice_items",
    "billable_items",
    "taxes",
    "concession_types",
    "concession_prices",
    "appointment_types",
    "appointment_type_billable_items",
    "practitioners",
    "users",
    "businesses",
    "patient_cases",
    "referral_sources",
    "referral_source_types",
)
_EPOCH_MS = 1_262_304_000_000  # 2010; makes ids of 18 to 19 digits for every date since 2012
_SEQUENCE_BITS = 22


@dataclass
class Switches:
    """What Cliniko's documentation leaves open, or what a test wants otherwise. Each is one yes-or-no guess."""

    honours_id_sort: bool = True
    touch_on_archive: bool = True
    touch_on_cancel: bool = True
    touch_parent_on_attendee: bool = False
    touch_parent_on_invoice: bool = False
    touch_patient_on_referral: bool = False
    touch_children_on_merge: bool = False
    archived_and_deleted_together: bool = False
    reveals_independent: bool = True
    strings_ignore_case: bool = True
    phones_replace: bool = True
    custom_fields_replace: bool = True
    patch_archived: bool = False
    clamp_per_page: bool = True
    users_list_inactive: bool = True
    practitioners_see_financials: bool = True
    user_agent_required: bool = True
    absent_relation: str = "missing"  # or "null", or "empty" for {}
    refusal_body: str = "json"  # of 403 and 404; or "text", or "empty"


@dataclass
class ClinikoAccount:
    """One simulated Cliniko account. `tables` maps a resource to its rows by number; `keys` an API key to a user's id.

    `forbidden` names resources that answer 403 whatever the role; `settings` is laid over the answer of /settings.
    """

    id: str
    name: str = "Harbour Physiotherapy"
    subdomain: str = "harbour-physio"
    shard: str = "au1"
    country: str = "Australia"
    country_code: str = "AU"
    currency_symbol: str = "$"
    time_zone_identifier: str = "Australia/Sydney"
    settings: dict[str, Any] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    switches: Switches = field(default_factory=Switches)
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    clock: SandboxClock = field(default_factory=SandboxClock, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    tables: dict[str, Table] = field(default_factory=lambda: {name: Table() for name in TABLES}, repr=False)
    sequence: int = 0

    def put(self, resource: str, row: dict[str, Any]) -> Row:
        """Insert or replace a row; id, created_at and updated_at are filled in when absent."""
        with self.lock:
            stored = dict(row)
            created = stored.get("created_at") or self.stamp()
            stored["created_at"] = created
            stored["updated_at"] = stored.get("updated_at") or created
            known = stored.get("id")
            stored["id"] = str(known) if known else self.new_id(row.get("created_at"))
            self.tables[resource][int(stored["id"])] = stored
            return stored

    def get(self, resource: str, id: str | int) -> Row | None:
        return self.tables[resource].get(int(id))

    def edit(self, resource: str, id: str | int, *, touch: bool = True, **changes: Any) -> Row:
        """Change a row as a person in the web app does. Raises KeyError when there is none."""
        with self.lock:
            if touch:
                changes.setdefault("updated_at", self.stamp())
            return self.tables[resource].change(int(id), changes)

    def remove(self, resource: str, id: str | int) -> None:
        """Really delete a row, as Cliniko's support does on request."""
        with self.lock:
            del self.tables[resource][int(id)]

    def new_id(self, created_at: str | None = None) -> str:
        """A number that orders by time: by `created_at` when given, else by the clock."""
        moment = datetime.fromisoformat(created_at) if created_at else self.clock.now()
        milliseconds = int(moment.timestamp() * 1000) - _EPOCH_MS
        with self.lock:
            self.sequence += 1
            low = self.sequence & ((1 << _SEQUENCE_BITS) - 1)
        return str((max(milliseconds, 1) << _SEQUENCE_BITS) | low)

    def stamp(self) -> str:
        """The present moment as Cliniko prints it."""
        return f"{self.clock.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


class ClinikoSandbox:
    """`app` is the WSGI application; every account answers under the same `/v1`, told apart by the key."""

    def __init__(
        self,
        clock: SandboxClock | None = None,
        faults: Faults | None = None,
        calls: CallLog | None = None,
        *,
        limits_on: bool = True,
        per_minute: int = 200,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.faults = faults or Faults()
        self.calls = calls or CallLog()
        self.lock = threading.RLock()
        self.limits = RateLimits(on=limits_on, per_minute=per_minute)
        self.accounts: dict[str, ClinikoAccount] = {}
        self._api = Api(self)
        self._site = Site(self)

    @property
    def limits_on(self) -> bool:
        return self.limits.on

    @limits_on.setter
    def limits_on(self, on: bool) -> None:
        self.limits.on = on

    def add_account(self, **fields: Any) -> ClinikoAccount:
        """A new account; `fields` are those of ClinikoAccount, `id` may be left out."""
        with self.lock:
            number = str(fields.pop("id", None) or 40_001 + len(self.accounts))
            if number in self.accounts:
                raise ValueError(f"account {number} exists already")
            self.accounts[number] = ClinikoAccount(id=number, clock=self.clock, lock=self.lock, **fields)
            return self.accounts[number]

    def add_key(self, account: ClinikoAccount, user_id: str, shard: str | None = None) -> str:
        """A new API key of a user. `shard` "" makes an old key without suffix; another shard's key is refused."""
        suffix = account.shard if shard is None else shard
        key = f"MS{secrets.token_hex(24)}" + (f"-{suffix}" if suffix else "")
        with self.lock:
            account.keys[key] = str(user_id)
        return key

    def revoke_key(self, key: str) -> None:
        with self.lock:
            for account in self.accounts.values():
                account.keys.pop(key, None)

    @property
    def app(self) -> Any:
        """The WSGI application, with the call log and the faults around it."""
        return self._wsgi

    def _wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path.startswith("/_sandbox"):
            return self._site.answer(request)(environ, start_response)
        return serve("cliniko", self, request, self._answer)(environ, start_response)

    def _answer(self, request: Request) -> tuple[Response, str | None]:
        if request.path == "/v1" or request.path.startswith("/v1/"):
            return self._api.answer(request)
        return self._site.answer(request), None

    def save(self, path: str | Path) -> None:
        """Write every account to one file."""
        with self.lock:
            Path(path).write_bytes(state.dump(self.accounts.values()))

    def load(self, path: str | Path) -> None:
        """Replace the accounts by what `save` wrote."""
        with self.lock:
            self.accounts.clear()
            for fields, tables in state.read(Path(path).read_bytes()):
                account = self.add_account(**{**fields, "switches": Switches(**fields["switches"])})
                for name, rows in tables.items():
                    for row in rows:
                        account.put(name, row)

    def close(self) -> None:
        """Nothing runs on its own here; closing exists so that both sandboxes are used alike."""
