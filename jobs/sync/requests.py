"""Carries out requests one after the other: reads the contact, does what was asked, says there how it ended."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from jobs.sync import answering, causes, one_contact, push_words, reviewing, unlinking
from jobs.sync.context import SyncContext
from jobs.sync.keeper import IdentityBusy
from jobs.sync.push_side import SIDES
from jobs.sync.push_words import Said
from jobs.sync.pushing import push_contact
from jobs.sync.switches import SWITCHES, UNLINK, switched_on_at
from webapp.clients.errors import ApiError, Forbidden, NeedsReconnect, Rejected, Retryable, Throttled
from webapp.clients.hubspot.objects import Record
from webapp.clock import now
from webapp.store import issues, pushes
from webapp.store.models_hooks import PushRequest

log = structlog.get_logger()

# Waits after the first, second, … failure; then the request is given up, with a message on the contact.
BACK_OFF = (5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)
# Should whoever works on a request die over it, it is taken up after this time; their lease has run out by then.
TAKE_UP_AFTER = timedelta(seconds=30)
# Another writer of this account, such as a first sync, holds the identity lock.
BUSY_WAIT = timedelta(seconds=2)
# One job works no longer than this; the next one goes on.
WORKS_FOR = 45.0

# What a HubSpot contact itself, without a record of Cliniko's, is called in issues.
CONTACT = "hubspot_contact"
_SWITCH_OF = {what: switch for switch, what in SWITCHES.items()}


@dataclass
class Asked:
    """A request as plain values, which a commit cannot expire."""

    id: int
    what: str
    hubspot_id: str
    asked_at: datetime
    asked_by: str
    options: Mapping[str, Any]
    attempts: int
    # When the switch had last been set, as far as the run could see.
    seen: datetime | None = field(default=None)

    @classmethod
    def of(cls, row: PushRequest) -> "Asked":
        return cls(row.id, row.what, row.hubspot_id, row.asked_at, row.asked_by, dict(row.options or {}), row.attempts)

    @property
    def by_property(self) -> bool:
        """Did somebody set the switch? A click needs none."""
        return self.asked_by == "property"

    @property
    def actor(self) -> str:
        """Who is behind it, for the activity list."""
        return "webhook" if self.by_property else self.asked_by


def carry_out(ctx: SyncContext, works_for: float = WORKS_FOR) -> int:
    """Open requests whose time has come; returns how many were looked at. Raises NeedsReconnect, LeaseLost."""
    number, until = 0, time.monotonic() + works_for
    while time.monotonic() < until:
        row = next(iter(pushes.due(ctx.hub_id, limit=1)), None)
        if row is None:
            break
        _one(ctx, Asked.of(row))
        number += 1
    return number


def _one(ctx: SyncContext, asked: Asked) -> None:
    if asked.attempts > len(BACK_OFF):
        # It did not even come to a failure that could be told: whoever worked on it died, again and again.
        _give_up(ctx, asked, push_words.gave_up(), causes.PUSH_GAVE_UP)
        return
    ctx.keeper.guard()
    pushes.begin(asked.id, ctx.hub_id, now() + TAKE_UP_AFTER)
    ctx.commit()
    try:
        said = _do(ctx, asked)
    except IdentityBusy:
        ctx.keeper.guard()
        pushes.again(asked.id, ctx.hub_id, now() + BUSY_WAIT)
        ctx.commit()
    except NeedsReconnect:
        raise
    except Rejected as error:
        log.warning("request_refused", hub_id=ctx.hub_id, what=asked.what, error=str(error))
        _give_up(ctx, asked, push_words.not_accepted(), causes.PUSH_REFUSED, error.detail)
    except Forbidden as error:
        log.warning("request_forbidden", hub_id=ctx.hub_id, what=asked.what, error=str(error))
        said = push_words.not_allowed() if error.service == "cliniko" else push_words.no_permission()
        _give_up(ctx, asked, said, causes.PUSH_REFUSED, error.detail)
    except ApiError as error:
        _later(ctx, asked, error)
    else:
        _finish(ctx, asked, said)


def _do(ctx: SyncContext, asked: Asked) -> Said:
    match asked.what:
        case "unlink":
            return _unlink(ctx, asked)
        case "undo":
            word = unlinking.undo(ctx, str(asked.options["cliniko_id"]), asked.hubspot_id, actor=asked.actor)
            return _told(ctx, asked, push_words.undone(word))
        case "sync":
            return _told(ctx, asked, one_contact.sync(ctx, asked.hubspot_id))
        case "review":
            return reviewing.carry_out(ctx, int(asked.options["review"]), asked.actor)
    return _push(ctx, asked)


def _told(ctx: SyncContext, asked: Asked, said: Said) -> Said:
    if said.result != "contact_gone":
        answering.tell(ctx, asked.hubspot_id, answering.words(ctx, said), asked.actor)
    return said


def _push(ctx: SyncContext, asked: Asked) -> Said:
    side = SIDES[asked.what]
    contact = answering.read_contact(ctx, asked.hubspot_id, side.properties, side.switch)
    if contact is None:
        return push_words.contact_gone()
    if asked.by_property and not answering.is_wanted(ctx, contact, side.switch, asked.hubspot_id):
        # Somebody set it back, or this very request ran already.
        return push_words.set_back()
    asked.seen = switched_on_at(contact.history.get(side.switch, []))
    said = push_contact(ctx, side, contact.id, contact.properties, asked.actor)
    answering.answer(ctx, contact, side.switch, said, asked.actor)
    return said


def _unlink(ctx: SyncContext, asked: Asked) -> Said:
    contact = answering.read_contact(ctx, asked.hubspot_id, (), UNLINK) if UNLINK in ctx.writable else None
    if asked.by_property and not _still_unlink(ctx, asked, contact):
        return push_words.set_back()
    if contact is not None:
        asked.seen = switched_on_at(contact.history.get(UNLINK, []))
    options = asked.options
    word = unlinking.unlink(
        ctx,
        contact.id if contact is not None else asked.hubspot_id,
        actor=asked.actor,
        clean_up=bool(options.get("clean_up") or options.get("restore_fields")),
        keep_deals=options.get("move_deals") is False,
    )
    return push_words.unlinked(word)


def _still_unlink(ctx: SyncContext, asked: Asked, contact: Record | None) -> bool:
    """Is the switch on, or was an unlink broken off after it had set the switch back?"""
    if contact is None:
        return False
    return answering.is_wanted(ctx, contact, UNLINK, asked.hubspot_id) or unlinking.is_broken_off(ctx, contact.id)


def _later(ctx: SyncContext, asked: Asked, error: ApiError) -> None:
    """It failed for now; the contact and the card say nothing yet, until it is given up."""
    if asked.attempts >= len(BACK_OFF):
        _give_up(ctx, asked, push_words.gave_up(error.service), causes.PUSH_GAVE_UP)
        return
    ctx.keeper.guard()
    wait = now() + timedelta(seconds=BACK_OFF[asked.attempts])
    named = error.retry_at if isinstance(error, Retryable) else None
    why = "limit" if isinstance(error, Throttled) else "away"
    pushes.again(asked.id, ctx.hub_id, max(wait, named or wait), f"{error.service}_{why}")
    ctx.commit()


def _give_up(ctx: SyncContext, asked: Asked, said: Said, cause: str, detail: str = "") -> None:
    """It cannot be done: set the switch back all the same, say so there and among the issues."""
    _say_anyway(ctx, asked, said)
    ctx.keeper.guard()
    if asked.what in SIDES:
        # Should the record have come into being after all, the streams take care of it again.
        pushes.close_intent(ctx.connection_id, asked.what, asked.hubspot_id, None)
    if asked.hubspot_id:
        issues.open_issue(
            ctx.hub_id,
            ctx.connection_id,
            "contacts" if asked.what == "contact" else "patients",
            CONTACT,
            asked.hubspot_id,
            cause,
            detail=detail or None,
            hubspot_id=asked.hubspot_id,
            retry=False,
        )
    _end(ctx, asked, said)


def _say_anyway(ctx: SyncContext, asked: Asked, said: Said) -> None:
    switch = _SWITCH_OF.get(asked.what)
    if switch is None:
        return
    try:
        contact = answering.read_contact(ctx, asked.hubspot_id, (), switch)
        if contact is not None:
            asked.seen = asked.seen or switched_on_at(contact.history.get(switch, []))
            answering.answer(ctx, contact, switch, said, asked.actor)
    except NeedsReconnect:
        raise
    except ApiError as error:
        # HubSpot itself is what fails: the switch stays, and the next search for switches finds it.
        log.warning("request_untold", hub_id=ctx.hub_id, what=asked.what, error=str(error))


def _finish(ctx: SyncContext, asked: Asked, said: Said) -> None:
    ctx.keeper.guard()
    if said.result != "set_back":
        issues.resolve(ctx.connection_id, CONTACT, [asked.hubspot_id])
    _end(ctx, asked, said)


def _end(ctx: SyncContext, asked: Asked, said: Said) -> None:
    pushes.finish(asked.id, ctx.hub_id, said.result, said.message, push_words.outcome(said), asked.seen)
    ctx.commit()
