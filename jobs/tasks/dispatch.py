"""Every few seconds: start what is due, and take up what a killed worker left behind."""

from jobs.context import in_app_context
from jobs.sync.streams import RUNNERS
from jobs.tasks.sync import enqueue_execution
from webapp.clock import now
from webapp.store import leases, streams


@in_app_context
def dispatch() -> int:
    """Enqueue one execution for every due stream that nobody runs. Returns how many were put on the queue.

    A stream in the middle of a cycle is always due: its follow-on job has the same id, so asking again changes nothing,
    and if that job was lost with its worker or its queue, this is what brings it back."""
    started = 0
    for hub_id, stream in streams.due_streams(now()):
        if stream not in RUNNERS or leases.holder(hub_id, stream)[0]:
            continue
        started += enqueue_execution(hub_id, stream)
    return started
