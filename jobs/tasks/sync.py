"""The job that runs one execution of a stream, and the one way to ask for it."""

from jobs.context import in_app_context
from jobs.queues import LOW, SYNC, enqueue_once
from jobs.sync import engine, history, patients, reconcile
from jobs.tasks.push import enqueue_requests
from webapp.store import leases

# These may take their time: the streams go first.
BACKGROUND = (history.STREAM, reconcile.STREAM)


def enqueue_execution(hub_id: int, stream: str) -> bool:
    """Put the stream's next execution on the queue unless it waits there already; False when it does.

    The lease's fencing number is part of the job id. It grows with every execution, so a job that died with its worker
    never blocks its successor, while two callers at the same moment ask for the same job."""
    _, fence = leases.holder(hub_id, stream)
    job_id = f"sync-{hub_id}-{stream}-{fence}"
    queue = LOW if stream in BACKGROUND else SYNC
    return enqueue_once(queue, "jobs.tasks.sync.run_execution", hub_id, stream, job_id=job_id) is not None


@in_app_context
def run_execution(hub_id: int, stream: str) -> None:
    """Run one execution; while records remain the next one follows at once."""
    result = engine.run_execution(hub_id, stream)
    if result.outcome == "more":
        enqueue_execution(hub_id, stream)
    elif result.outcome == "done" and stream == patients.STREAM:
        # Its cycle looks for switches that no webhook reported.
        enqueue_requests(hub_id)
