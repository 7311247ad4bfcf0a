"""Writing records: every change goes through a Transaction, which undoes all of it when one part is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any

from webapp.sandbox.hubspot import defaults
from webapp.sandbox.hubspot.errors import HubSpotError, bad_request, not_found
from webapp.sandbox.hubspot.records import Record, Records, Source, Version, split_emails
from webapp.sandbox.hubspot.validation import check_properties, require, stamp

if TYPE_CHECKING:
    from webapp.sandbox.hubspot.portal import Portal

Undo = Callable[[], None]


class Transaction:
    """Use as a context manager while holding the sandbox's lock. Leaving it normally sends the webhook events;
    leaving it with an exception puts every record back as it was.
    """

    def __init__(self, portal: Portal, source: Source) -> None:
        self.portal = portal
        self.source = source
        self.now = portal.now()
        self._undo: list[Undo] = []
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self.portal.sandbox.webhooks.publish(self.portal, self.source, self.events)
        else:
            self.rollback(0)

    def mark(self) -> tuple[int, int]:
        return len(self._undo), len(self.events)

    def rollback(self, undo: int, events: int = 0) -> None:
        while len(self._undo) > undo:
            self._undo.pop()()
        del self.events[events:]

    def store(self, object_type: str) -> Records:
        return self.portal.stores[object_type]

    def existing(self, object_type: str, record_id: str) -> Record:
        record = self.store(object_type).get(record_id)
        if record is None:
            raise not_found(f"Object not found.  objectId are usually numeric. Unknown id {record_id}")
        return record

    def create(
        self, object_type: str, raw: Mapping[str, Any], *, upsert: bool = False
    ) -> tuple[Record, list[dict[str, Any]]]:
        """A new record and the warnings about its values."""
        portal, store = self.portal, self.store(object_type)
        values, warnings = check_properties(portal, object_type, raw)
        values = {name: value for name, value in values.items() if value != ""}
        if object_type == "contacts":
            if not any(values.get(name) for name in ("email", "firstname", "lastname")) and not upsert:
                raise bad_request("At least one of email, firstname or lastname is needed to create a contact.")
            if values.get("email") in portal.erased_emails:
                raise bad_request("This email address belongs to a contact that was permanently deleted.")
            if not upsert:
                self._refuse_taken_email(store, values)
            values.setdefault("lifecyclestage", "lead")
        else:
            self._deal_pipeline(values, None)
        require(portal, object_type, values)
        cap = portal.record_caps[object_type]
        # Counting the live ones walks through all of them: only worth it near the cap.
        if len(store.by_id) >= cap and len(store) >= cap:
            raise HubSpotError(400, "API_LIMIT", f"You have reached your limit of {object_type}.")
        record = Record(store.allocate(), self.now, self.now)
        self._refuse_clashes(object_type, record.id, values)
        moment = stamp(self.now)
        values |= {"createdate": moment, "hs_createdate": moment, "hs_object_id": record.id}
        store.by_id[record.id] = record
        self._undo.append(lambda: self._remove(store, record))
        self._apply(object_type, record, values, before=None)
        self.event("creation", object_type, record.id, changeFlag="CREATED")
        return record, warnings

    def update(self, object_type: str, record: Record, raw: Mapping[str, Any]) -> tuple[Record, list[dict[str, Any]]]:
        values, warnings = check_properties(self.portal, object_type, raw)
        if object_type == "deals":
            self._deal_pipeline(values, record)
        changed = {name: value for name, value in values.items() if record.properties.get(name, "") != value}
        if changed.get("lifecyclestage"):
            self._forward_only(record, changed)
        self._refuse_clashes(object_type, record.id, changed)
        if not changed:
            return record, warnings
        self._remember(object_type, record)
        self._apply(object_type, record, changed, before=dict(record.properties))
        return record, warnings

    def archive(self, object_type: str, record_id: str) -> None:
        """Moves a record to the recycle bin; nothing happens when it is not there."""
        store = self.store(object_type)
        record = store.get(record_id)
        if record is None:
            return
        self._remember(object_type, record)
        store.unindex(record)
        record.archived, record.archived_at, record.updated_at = True, self.now, self.now
        self.event("deletion", object_type, record.id, changeFlag="DELETED")

    def restore(self, object_type: str, record_id: str) -> Record:
        store = self.store(object_type)
        record = store.get(record_id, archived=True)
        if record is None:
            raise not_found(f"No archived record with id {record_id}")
        self._refuse_clashes(object_type, record.id, record.properties)
        self._remember(object_type, record)
        record.archived, record.archived_at, record.updated_at = False, None, self.now
        store.index(record)
        self.event("restore", object_type, record.id)
        return record

    def event(self, kind: str, object_type: str, record_id: str, **fields: Any) -> None:
        self.events.append({"kind": kind, "objectType": object_type, "objectId": int(record_id), **fields})

    # How a change is made

    def _apply(
        self, object_type: str, record: Record, changed: Mapping[str, str], before: dict[str, str] | None
    ) -> None:
        store = self.store(object_type)
        store.unindex(record)
        for name, value in changed.items():
            record.history.setdefault(name, []).append(Version(value, self.now, self.source))
            if value == "":
                record.properties.pop(name, None)
            else:
                record.properties[name] = value
            if before is not None or name not in ("createdate", "hs_createdate", "hs_object_id"):
                self.event("propertyChange", object_type, record.id, propertyName=name, propertyValue=value)
        record.updated_at = self.now
        record.properties[defaults.MODIFIED[object_type]] = stamp(self.now)
        store.index(record)
        lag = self.portal.sandbox.search_lag_seconds
        if lag > 0:
            record.lag(before, self.now + timedelta(seconds=lag))

    def _remember(self, object_type: str, record: Record) -> None:
        store = self.store(object_type)
        properties = dict(record.properties)
        lengths = {name: len(versions) for name, versions in record.history.items()}
        state = (record.updated_at, record.archived, record.archived_at, record.indexed, list(record.pending))

        def undo() -> None:
            store.unindex(record)
            record.properties = properties
            record.history = {name: record.history[name][:count] for name, count in lengths.items()}
            record.updated_at, record.archived, record.archived_at, record.indexed, record.pending = state
            if not record.archived:
                store.index(record)

        self._undo.append(undo)

    @staticmethod
    def _remove(store: Records, record: Record) -> None:
        store.unindex(record)
        store.by_id.pop(record.id, None)

    # What is refused

    def _refuse_taken_email(self, store: Records, values: Mapping[str, str]) -> None:
        if (email := values.get("email")) and (holder := store.find("email", email)):
            raise HubSpotError(409, "CONFLICT", f"Contact already exists. Existing ID: {holder.id}")

    def _refuse_clashes(self, object_type: str, record_id: str, values: Mapping[str, str]) -> None:
        store = self.store(object_type)
        for name in store.unique:
            if (value := values.get(name)) and (holder := store.find(name, value)) and holder.id != record_id:
                raise self._clash(object_type, name, value, record_id, holder.id)
        for email in split_emails(values.get("hs_additional_emails")):
            holder = store.find("email", email)
            if holder and holder.id != record_id:
                raise self._clash(object_type, "email", email, record_id, holder.id)

    def _clash(self, object_type: str, name: str, value: str, record_id: str, holder_id: str) -> HubSpotError:
        legacy = object_type[:-1].upper()
        return bad_request(
            f"Cannot set PropertyValueCoordinates{{portalId={self.portal.hub_id}, "
            f"objectTypeId=ObjectTypeId{{legacyObjectType={legacy}}}, propertyName={name}, value={value}}} "
            f"on {record_id}. {holder_id} already has that value."
        )

    @staticmethod
    def _forward_only(record: Record, changed: dict[str, str]) -> None:
        # A stage further back is ignored unless the stage was cleared first.
        order = defaults.LIFECYCLE_ORDER
        current = record.properties.get("lifecyclestage")
        if current and order.index(changed["lifecyclestage"]) < order.index(current):
            del changed["lifecyclestage"]

    def _deal_pipeline(self, values: dict[str, str], record: Record | None) -> None:
        """A stage and its pipeline must fit together; a new deal without a pipeline goes to the default one."""
        if record is not None and "dealstage" not in values and "pipeline" not in values:
            return
        stage = values.get("dealstage") or (record.properties.get("dealstage") if record else None)
        pipeline = values.get("pipeline") or (record.properties.get("pipeline") if record else None)
        if not pipeline or (record is not None and values.get("dealstage") and not values.get("pipeline")):
            pipeline = self.portal.stage_pipeline(stage) if stage and record is not None else pipeline or "default"
        if stage and stage not in self.portal.pipelines[pipeline or "default"]["stages"]:
            raise bad_request(
                f"Pipeline stage {stage} does not belong to pipeline {pipeline}.",
                errors=[
                    {
                        "message": f"{stage} was not one of the stages of pipeline {pipeline}",
                        "code": "INVALID_OPTION",
                        "context": {"propertyName": ["dealstage"]},
                    }
                ],
            )
        values["pipeline"] = pipeline or "default"
