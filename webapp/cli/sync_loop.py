"""Runs streams of one account in this process, execution by execution, and remembers how each fared."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType

from jobs.sync import engine
from jobs.sync.streams import RUNNERS
from webapp.clock import now
from webapp.store import connections, issues, streams

# Another process may hold the stream: an execution takes seconds, a dead process's lease ends after half a minute.
BUSY_PATIENCE = 60.0
HISTORY = "history"
_AFTER_HISTORY = ("appointments", "invoices")
_LOOK_AGAIN = timedelta(seconds=1)
# Nothing to count on for longer than this between two looks at the display.
_TICK = 1.0

Show = Callable[["StreamRun"], None]


@dataclass
class StreamRun:
    """One stream: `outcome` is working, or how it ended: done, waiting (until), stopped (cause), busy."""

    stream: str
    outcome: str = "working"
    cause: str | None = None
    until: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)
    cycles: int = 0
    seconds: float = 0.0
    busy_since: float | None = None
    told: bool = False

    @property
    def well(self) -> bool:
        return self.outcome == "done"

    @property
    def sleeps(self) -> bool:
        """Is it not its turn yet?"""
        return self.until is not None and self.until > now()


def run_streams(hub_id: int, names: Sequence[str], until_idle: bool, show: Show) -> list[StreamRun]:
    """Run each stream until its cycle is done or it cannot go on; with `until_idle` go on through waits and follow-ons
    until nothing is due any more. Raises what no execution turns into a wait, an issue or a stop."""
    streams.ensure_streams(hub_id, names)
    runs = [StreamRun(name) for name in names]
    began = now()
    while True:
        for run in runs:
            if run.outcome == "working" and not run.sleeps:
                _go(hub_id, run, until_idle, began, show)
        if until_idle:
            learned = _take_learned(hub_id, runs)
            for run in runs:
                if run.outcome == "done" and (is_due(hub_id, run.stream) or (learned and run.stream in _AFTER_HISTORY)):
                    run.outcome, run.until = "working", None
        left = [run for run in runs if run.outcome == "working"]
        if not left:
            return runs
        if all(run.sleeps for run in left):
            _sleep_until(min(run.until for run in left if run.until is not None))
            for run in left:
                show(run)


def is_due(hub_id: int, stream: str) -> bool:
    """Was another run asked for meanwhile, or has the time of a retry come?"""
    moment = now()
    state = streams.get_stream(hub_id, stream)
    if state is not None and state.state == "idle" and state.next_run_at is not None and state.next_run_at <= moment:
        return True
    connection = connections.find_connection(hub_id)
    return connection is not None and any(
        issues.due(connection.id, kind, moment, limit=1) for kind in _kinds(RUNNERS[stream])
    )


def is_finished(hub_id: int, stream: str) -> bool:
    """Does this stream never run again, because it has learned everything?"""
    state = streams.get_stream(hub_id, stream)
    return state is not None and state.state == "finished"


def _kinds(runner: ModuleType) -> tuple[str, ...]:
    """The record kinds of a stream, as its module names them."""
    if hasattr(runner, "SPEC"):
        return (runner.SPEC.kind,)
    return getattr(runner, "KINDS", ()) or ((runner.KIND,) if hasattr(runner, "KIND") else ())


def _take_learned(hub_id: int, runs: Sequence[StreamRun]) -> bool:
    """Has the history just become known in full? The visit summaries that it changed are written after it, once."""
    history = next((run for run in runs if run.stream == HISTORY and run.outcome == "done" and not run.told), None)
    if history is None or not is_finished(hub_id, HISTORY):
        return False
    history.told = True
    return True


def _go(hub_id: int, run: StreamRun, until_idle: bool, began: datetime, show: Show) -> None:
    """Execution after execution, until the stream has nothing left to do now."""
    run.until = run.cause = None
    while True:
        started = time.monotonic()
        result = engine.run_execution(hub_id, run.stream)
        run.seconds += time.monotonic() - started
        for name, number in result.counts.items():
            run.counts[name] = run.counts.get(name, 0) + number
        if result.outcome != "busy":
            run.busy_since = None
        if result.outcome == "more":
            show(run)
            continue
        if result.outcome == "done":
            run.outcome, run.cycles = "done", run.cycles + 1
        elif result.outcome == "busy":
            _share(hub_id, run, until_idle, began)
        else:
            run.cause, run.until = result.cause, result.until
            run.outcome = "working" if until_idle and result.outcome == "waiting" else result.outcome
        show(run)
        return


def _share(hub_id: int, run: StreamRun, until_idle: bool, began: datetime) -> None:
    """Another process runs this stream: it may end our cycle for us; else we go on when it lets go."""
    state = streams.get_stream(hub_id, run.stream)
    ended = state is not None and state.state in ("idle", "finished")
    if ended and state is not None and state.last_success_at and state.last_success_at >= began:
        run.outcome = "done"
        return
    run.cause, run.until = "busy", now() + _LOOK_AGAIN
    run.busy_since = time.monotonic() if run.busy_since is None else run.busy_since
    if not until_idle and time.monotonic() - run.busy_since > BUSY_PATIENCE:
        run.outcome = "busy"


def _sleep_until(moment: datetime) -> None:
    """In short steps, so that the display goes on counting and Ctrl-C is heard."""
    time.sleep(min(_TICK, max(0.01, (moment - now()).total_seconds())))
