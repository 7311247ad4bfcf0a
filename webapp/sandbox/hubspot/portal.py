"""One simulated HubSpot account: its records, schema, pipelines, owners, installed apps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.records import Records, Source
from webapp.sandbox.hubspot.schema_model import Schema
from webapp.sandbox.hubspot.validation import stamp

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.records import Record
    from webapp.sandbox.hubspot.sandbox import HubSpotSandbox


@dataclass
class App:
    """An app registered with HubSpot; `subscriptions` are dicts {id, subscriptionType, objectType, propertyName}.
    `card_url` is the service that its card on contacts asks, None without a card."""

    client_id: str
    client_secret: str
    app_id: int
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    webhook_url: str | None = None
    name: str = "CRMConnect"
    optional_scopes: tuple[str, ...] = ()
    install_url: str | None = None
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    card_url: str | None = None


@dataclass
class Install:
    """One app installed in one portal: the live refresh token is the grant."""

    app_id: int
    refresh_token: str
    user_id: int
    scopes: tuple[str, ...]


class Portal:
    def __init__(
        self,
        sandbox: HubSpotSandbox,
        hub_id: int,
        *,
        name: str | None = None,
        tier: str = "enterprise",
        currency: str = "AUD",
        time_zone: str = "Australia/Sydney",
        ui_domain: str = "app.hubspot.com",
        hosting: str = "na1",
        account_type: str = "STANDARD",
        user_email: str = "admin@clinic.example",
        secondary_lookup: bool = True,
        preserve_primary_id: bool = False,
    ) -> None:
        if tier not in defaults.PIPELINE_CAPS:
            raise ValueError(f"tier is one of {', '.join(defaults.PIPELINE_CAPS)}")
        self.sandbox = sandbox
        self.hub_id = hub_id
        self.name = name or f"Portal {hub_id}"
        self.tier = tier
        self.currency = currency
        self.additional_currencies: list[str] = []
        self.time_zone = time_zone
        self.ui_domain = ui_domain
        self.hosting = hosting
        self.account_type = account_type
        self.user_email = user_email
        self.user_id = 9_000_000 + hub_id % 100_000
        # Whether reading by e-mail also finds secondary addresses, and whether a merge keeps the primary's id:
        # accounts differ on both.
        self.secondary_lookup = secondary_lookup
        self.preserve_primary_id = preserve_primary_id
        self.required: dict[str, list[str]] = {"contacts": [], "deals": []}
        self.pipeline_cap: int | None = None
        self.property_cap: int | None = None
        self.record_caps: dict[str, int] = dict(defaults.RECORD_CAPS[tier])
        self.stores = {"contacts": Records("contacts", 51_000_001), "deals": Records("deals", 71_000_001)}
        self.stores["contacts"].watch_unique("email")
        self.schema = {name: Schema(name, sandbox.clock.now()) for name in self.stores}
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.associations: dict[str, dict[str, None]] = {}  # deal id → contact ids, in the order they were linked
        self.contact_deals: dict[str, dict[str, None]] = {}
        self.owners: dict[str, dict[str, Any]] = {}
        self.installs: dict[int, Install] = {}
        self.erased_emails: set[str] = set()
        self.events_sent = 0
        self._default_pipeline()
        self.add_owner(user_email, "Alex", "Admin", user_id=self.user_id)

    @property
    def contacts(self) -> Records:
        return self.stores["contacts"]

    @property
    def deals(self) -> Records:
        return self.stores["deals"]

    def now(self) -> datetime:
        return self.sandbox.clock.now()

    def _default_pipeline(self) -> None:
        at = stamp(self.now())
        stages = {
            stage_id: make_stage(stage_id, label, order, probability, at)
            for order, (stage_id, label, probability) in enumerate(defaults.DEFAULT_STAGES)
        }
        self.pipelines["default"] = {
            "id": "default",
            "label": "Sales Pipeline",
            "displayOrder": 0,
            "archived": False,
            "createdAt": at,
            "updatedAt": at,
            "stages": stages,
        }

    def stage_pipeline(self, stage_id: str) -> str | None:
        """The pipeline that holds this stage id; stage ids are unique in the account."""
        for pipeline_id, pipeline in self.pipelines.items():
            if stage_id in pipeline["stages"]:
                return pipeline_id
        return None

    def add_owner(
        self, email: str, first: str, last: str, *, archived: bool = False, user_id: int | None = None
    ) -> str:
        """Adds a user who can own records; returns the owner id."""
        owner_id = str(41_000_001 + len(self.owners) * 7)
        at = stamp(self.now())
        user = user_id or 9_500_001 + len(self.owners)
        owner: dict[str, Any] = {
            "id": owner_id,
            "email": email,
            "firstName": first,
            "lastName": last,
            "type": "PERSON",
            "userIdIncludingInactive": user,
            "archived": archived,
            "createdAt": at,
            "updatedAt": at,
            "teams": [],
        }
        if not archived:
            owner["userId"] = user
        self.owners[owner_id] = owner
        return owner_id

    # Apps

    def install(self, app: App | None = None) -> str:
        """Installs the app as a person pressing Connect would; returns the refresh token."""
        with self.sandbox.lock:
            target = app or next(iter(self.sandbox.apps.values()))
            token = f"{self.hosting}-{secrets.token_hex(16)}"
            self.installs[target.app_id] = Install(target.app_id, token, self.user_id, target.scopes)
            return token

    def uninstall(self, app: App | None = None) -> bool:
        """Removes the app: its tokens stop working at once. False when it was not installed."""
        with self.sandbox.lock:
            target = app or next(iter(self.sandbox.apps.values()))
            self.sandbox.drop_tokens(target.app_id, self.hub_id)
            return self.installs.pop(target.app_id, None) is not None

    # Edits made in HubSpot's own pages (changeSource CRM_UI); tests use them as the person at the keyboard.

    def ui_source(self) -> Source:
        return Source("CRM_UI", f"userId:{self.user_id}")

    def create(self, object_type: str, properties: dict[str, Any], source: Source | None = None) -> Record:
        from webapp.sandbox.hubspot import writes

        with self.sandbox.lock, writes.Transaction(self, source or self.ui_source()) as work:
            return work.create(object_type, properties)[0]

    def update(
        self, object_type: str, record_id: str, properties: dict[str, Any], source: Source | None = None
    ) -> Record:
        from webapp.sandbox.hubspot import writes

        with self.sandbox.lock, writes.Transaction(self, source or self.ui_source()) as work:
            return work.update(object_type, work.existing(object_type, record_id), properties)[0]

    def delete(self, object_type: str, record_id: str, source: Source | None = None) -> None:
        from webapp.sandbox.hubspot import writes

        with self.sandbox.lock, writes.Transaction(self, source or self.ui_source()) as work:
            work.archive(object_type, record_id)

    def restore(self, object_type: str, record_id: str) -> Record:
        from webapp.sandbox.hubspot import writes

        with self.sandbox.lock, writes.Transaction(self, self.ui_source()) as work:
            return work.restore(object_type, record_id)

    def merge(self, object_type: str, primary_id: str, merged_id: str, source: Source | None = None) -> Record:
        from webapp.sandbox.hubspot import merging, writes

        with self.sandbox.lock, writes.Transaction(self, source or self.ui_source()) as work:
            return merging.merge(work, object_type, primary_id, merged_id)

    def gdpr_delete(self, contact_id: str) -> None:
        from webapp.sandbox.hubspot import merging, writes

        with self.sandbox.lock, writes.Transaction(self, self.ui_source()) as work:
            merging.privacy_delete(work, contact_id)

    def flush_webhooks(self, timeout: float = 10.0) -> bool:
        """Wait until every webhook due so far was delivered or given up; False when that took over `timeout` s."""
        return self.sandbox.webhooks.flush(timeout)


def make_stage(stage_id: str, label: str, order: int, probability: str, at: str) -> dict[str, Any]:
    closed = probability in ("0.0", "1.0")
    return {
        "id": stage_id,
        "label": label,
        "displayOrder": order,
        "metadata": {"isClosed": "true" if closed else "false", "probability": probability},
        "createdAt": at,
        "updatedAt": at,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }
