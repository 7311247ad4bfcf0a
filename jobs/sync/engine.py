"""Runs one execution of a stream under its lease, and turns every failure into a wait, an issue or a stop."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from jobs.sync import causes
from jobs.sync.context import NotYet, SyncContext
from jobs.sync.contexts import disconnected, make_context
from jobs.sync.keeper import IdentityBusy, Keeper, owner_name
from jobs.sync.streams import RUNNERS
from webapp.clients.errors import ApiError, Forbidden, NeedsReconnect, OurFault, Retryable, Throttled
from webapp.clock import now
from webapp.extensions import db
from webapp.store import accounts, connections, leases, streams
from webapp.store.leases import LeaseLost

log = structlog.get_logger()

# How long a stream waits after the first, second, … failure in a row when the API named no time.
BACK_OFF = (10, 30, 60, 300, 900)


@dataclass(frozen=True)
class Result:
    """outcome: more (call again) | done (cycle finished) | waiting (until) | stopped (cause) | busy (another runs)."""

    outcome: str
    cause: str | None = None
    until: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)


def run_execution(hub_id: int, stream: str) -> Result:
    """One execution of one stream: at most 100 records. Safe to call twice at once and to kill anywhere."""
    account = accounts.find_account(hub_id)
    if account is None or account.status != "active":
        return Result("stopped", causes.UNINSTALLED if account is None else account.status)
    connection = connections.find_connection(hub_id)
    if connection is None or connection.status != "active":
        return Result("stopped", causes.NOT_CONNECTED if connection is None else causes.KEY_REVOKED)
    if account.provisioned_at is None:
        streams.stop(hub_id, stream, causes.NOT_PROVISIONED)
        return Result("stopped", causes.NOT_PROVISIONED)
    lease = leases.acquire(hub_id, stream, owner_name())
    if lease is None:
        return Result("busy")
    with Keeper(lease) as keeper:
        return _guarded(hub_id, stream, keeper)


def _guarded(hub_id: int, stream: str, keeper: Keeper) -> Result:
    context: SyncContext | None = None
    try:
        context = _context(hub_id, stream, keeper)
        return _step(context)
    except LeaseLost:
        db.session.rollback()
        return Result("busy")
    except IdentityBusy:
        return _wait(hub_id, stream, causes.BUSY, now() + timedelta(seconds=5))
    except NotYet as wait:
        return _wait(hub_id, stream, wait.cause, now() + timedelta(seconds=wait.seconds))
    except NeedsReconnect as error:
        return _disconnected(hub_id, error)
    except Retryable as error:
        cause = causes.RATE_LIMITED if isinstance(error, Throttled) else causes.UNAVAILABLE
        return _wait(hub_id, stream, cause, error.retry_at)
    except Forbidden as error:
        db.session.rollback()
        cause = causes.LIST_FORBIDDEN if error.service == "cliniko" else causes.MISSING_SCOPES
        streams.stop(hub_id, stream, cause)
        return Result("stopped", cause)
    except OurFault:
        return _wait(hub_id, stream, causes.OUR_FAULT, now() + timedelta(minutes=15))
    except ApiError as error:
        # A refusal that no record explains: nothing was lost, the cursor has not moved.
        log.error("stream_refused", hub_id=hub_id, stream=stream, service=error.service, status=error.status)
        return _wait(hub_id, stream, causes.REFUSED, None)
    finally:
        if context is not None:
            context.cliniko_client.close()
            context.hubspot_client.close()


def _step(ctx: SyncContext) -> Result:
    runner = RUNNERS[ctx.stream]
    before = dict(ctx.access)
    finished = runner.run_step(ctx)
    ctx.keeper.guard()
    streams.add_counts(ctx.hub_id, ctx.stream, ctx.counts)
    streams.clear_failures(ctx.hub_id, ctx.stream)
    if ctx.access != before:
        connections.save_access(ctx.connection_id, ctx.access)
    db.session.commit()
    if finished:
        planned = runner.next_run_at(ctx.hub_id) if hasattr(runner, "next_run_at") else None
        streams.close_cycle(ctx.hub_id, ctx.stream, planned)
    return Result("done" if finished else "more", counts=ctx.counts)


def _context(hub_id: int, stream: str, keeper: Keeper) -> SyncContext:
    state = streams.open_cycle(hub_id, stream)
    ctx = make_context(hub_id, stream, keeper, cycle_no=state.cycle_no, last_success_at=state.last_success_at)
    if state.reread:
        RUNNERS[stream].on_reread(ctx)
        db.session.commit()
    return ctx


def _wait(hub_id: int, stream: str, cause: str, until: datetime | None) -> Result:
    """The cycle goes on later from where it is."""
    db.session.rollback()
    state = streams.get_stream(hub_id, stream)
    failures = state.failures if state is not None else 0
    until = until or now() + timedelta(seconds=BACK_OFF[min(failures, len(BACK_OFF) - 1)])
    streams.wait(hub_id, stream, until, cause)
    return Result("waiting", cause, until)


def _disconnected(hub_id: int, error: NeedsReconnect) -> Result:
    return Result("stopped", disconnected(hub_id, error))
