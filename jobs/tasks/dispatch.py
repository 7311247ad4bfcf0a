"""Every few seconds: start what is due, and take up what a killed worker left behind."""

from datetime import timedelta

from jobs.context import in_app_context
from jobs.queues import PUSH, enqueue_again
from jobs.sync.streams import RUNNERS
from jobs.tasks.push import CARRY_OUT
from jobs.tasks.sync import enqueue_execution
from webapp.clock import now
from webapp.store import hooks, leases, pushes, streams

# Events and requests are handed to the queue when they are stored; older ones lost their job.
LOST_AFTER = timedelta(seconds=5)
HANDLE_EVENTS = "jobs.tasks.hooks.handle_events"


@in_app_context
def dispatch() -> int:
    """Enqueue one execution for every due stream that nobody runs. Returns how many were put on the queue.

    A stream in the middle of a cycle is always due: its follow-on job has the same id, so asking again changes nothing,
    and if that job was lost with its worker or its queue, this is what brings it back."""
    started = 0
    moment = now()
    for hub_id, stream in streams.due_streams(moment):
        if stream not in RUNNERS or leases.holder(hub_id, stream)[0]:
            continue
        started += enqueue_execution(hub_id, stream)
    for hub_id in hooks.accounts_with_new(moment - LOST_AFTER):
        enqueue_again(PUSH, HANDLE_EVENTS, hub_id, job_id=f"hooks-{hub_id}")
    for hub_id in pushes.accounts_with_due(moment - LOST_AFTER):
        enqueue_again(PUSH, CARRY_OUT, hub_id, job_id=f"push-{hub_id}")
    return started
