"""Carries out requests one after the other: reads the contact, does what was asked, says there how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from jobs.mapping.catalogue_types import SyncStatus
from jobs.sync import push_words, unlinking
from jobs.sync.context import SyncContext
from jobs.sync.push_side import SIDES, Side
from jobs.sync.push_words import Said
from jobs.sync.pushing import push_contact
from webapp.clients.errors import NotFound, Rejected, Retryable
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.objects import Record, WriteInput
from webapp.clock import now
from webapp.store import pushes
from webapp.store.models_hooks import PushRequest

log = structlog.get_logger()

# Waits after the first, second, … failure; then the request is given up, with a message on the contact.
BACK_OFF = (5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)

# The properties by which people ask, and what they ask for.
SWITCHES = {side.switch: side.kind for side in SIDES.values()} | {unlinking.SWITCH: "unlink"}


@dataclass(frozen=True)
class Asked:
    """A request as plain values, which a commit cannot expire."""

    id: int
    what: str
    hubspot_id: str
    asked_at: datetime
    asked_by: str
    options: Mapping[str, Any]
    attempts: int

    @classmethod
    def of(cls, row: PushRequest) -> "Asked":
        return cls(row.id, row.what, row.hubspot_id, row.asked_at, row.asked_by, dict(row.options or {}), row.attempts)

    @property
    def actor(self) -> str:
        """Who is behind it, for the activity list."""
        return "webhook" if self.asked_by == "property" else self.asked_by


def carry_out(ctx: SyncContext) -> int:
    """Every open request whose time has come; returns how many were looked at. Raises NeedsReconnect, LeaseLost."""
    number = 0
    while True:
        rows = [Asked.of(row) for row in pushes.due(ctx.hub_id)]
        if not rows:
            return number
        for asked in rows:
            _one(ctx, asked)
            number += 1


def _one(ctx: SyncContext, asked: Asked) -> None:
    try:
        said = _unlink(ctx, asked) if asked.what == "unlink" else _push(ctx, asked)
    except Retryable as error:
        ctx.keeper.guard()
        if asked.attempts >= len(BACK_OFF):
            _finish(ctx, asked, push_words.gave_up())
            return
        wait = now() + timedelta(seconds=BACK_OFF[asked.attempts])
        pushes.again(asked.id, ctx.hub_id, max(wait, error.retry_at or wait))
        ctx.commit()
        return
    except Rejected as error:
        log.warning("request_refused", hub_id=ctx.hub_id, what=asked.what, error=str(error))
        said = Said("refused", SyncStatus.ATTENTION, "HubSpot did not accept this. Try again, or ask for help.")
    _finish(ctx, asked, said)


def _finish(ctx: SyncContext, asked: Asked, said: Said) -> None:
    ctx.keeper.guard()
    pushes.finish(asked.id, ctx.hub_id, said.result, said.message)
    ctx.commit()


def _push(ctx: SyncContext, asked: Asked) -> Said:
    side = SIDES[asked.what]
    read = _read(ctx, side, asked.hubspot_id)
    if read is None:
        return Said("contact_gone", SyncStatus.NOT_SENT, "The contact is not in HubSpot any more.")
    if asked.asked_by == "property" and read.properties.get(side.switch) != "true":
        # Somebody set it back, or this very request ran already.
        return Said("set_back", SyncStatus.NOT_SENT, "")
    said = push_contact(ctx, side, read.id, read.properties, asked.actor)
    _say(ctx, side, read, said)
    return said


def _unlink(ctx: SyncContext, asked: Asked) -> Said:
    clean_up = bool(asked.options.get("clean_up"))
    word = unlinking.unlink(ctx, asked.hubspot_id, actor=asked.actor, clean_up=clean_up)
    return Said(word, SyncStatus.UNLINKED, "")


def _read(ctx: SyncContext, side: Side, hubspot_id: str) -> Record | None:
    ctx.count("hubspot_calls")
    names = [*side.properties, side.switch]
    try:
        record = objects.read_one(ctx.hubspot, "contacts", hubspot_id, names, properties_with_history=[side.switch])
    except NotFound:
        return None
    return None if record.archived else record


def _say(ctx: SyncContext, side: Side, before: Record, said: Said) -> None:
    """Set the switch back and say what happened, also after a failure. A switch that was set again meanwhile stays, and
    is carried out again."""
    set_again = _set_again(ctx, side, before)
    properties = {"cliniko_sync_status": said.status.value, "cliniko_sync_message": said.message}
    if set_again is None:
        properties[side.switch] = "false"
    writable = {name: value for name, value in properties.items() if name in ctx.writable}
    if writable:
        ctx.keeper.check()
        result = objects.batch_update(ctx.hubspot, "contacts", [WriteInput(before.id, before.id, writable)])
        ctx.count("hubspot_calls")
        ctx.count("hubspot_writes")
        if result.errors and side.switch in writable:
            # Whatever the rest says, the switch must not stay on.
            objects.batch_update(ctx.hubspot, "contacts", [WriteInput(before.id, before.id, {side.switch: "false"})])
    if set_again is not None:
        ctx.keeper.guard()
        pushes.ask(ctx.hub_id, side.kind, before.id, set_again)
        ctx.commit()


def _set_again(ctx: SyncContext, side: Side, before: Record) -> datetime | None:
    """When the switch was set once more while we worked; None otherwise."""
    after = _read(ctx, side, before.id)
    if after is None or after.properties.get(side.switch) != "true":
        return None
    first, last = _switched_at(before.history.get(side.switch, [])), _switched_at(after.history.get(side.switch, []))
    return last if last is not None and first is not None and last > first else None


def _switched_at(history: Sequence[Mapping[str, Any]]) -> datetime | None:
    """The newest time at which the switch was set to Yes."""
    times = [_moment(entry.get("timestamp")) for entry in history if str(entry.get("value")).lower() == "true"]
    return max((moment for moment in times if moment is not None), default=None)


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def find_switches(ctx: SyncContext) -> int:
    """Switches that no webhook reported: one search in each cycle of the patients stream. Returns how many are on."""
    present = [name for name in SWITCHES if name in ctx.writable]
    if not present:
        return 0
    groups = [{"filters": [{"propertyName": name, "operator": "EQ", "value": "true"}]} for name in present]
    page = objects.search(ctx.hubspot, "contacts", groups, ["lastmodifieddate", *present], limit=200)
    ctx.count("hubspot_calls")
    ctx.keeper.guard()
    for record in page.results:
        # The index lags: the request itself reads the contact and looks whether the switch is still on.
        at = _moment(record.properties.get("lastmodifieddate")) or now()
        for name in present:
            if record.properties.get(name) == "true" and not pushes.is_open(ctx.hub_id, SWITCHES[name], record.id):
                pushes.ask(ctx.hub_id, SWITCHES[name], record.id, at)
    ctx.commit()
    return len(page.results)
