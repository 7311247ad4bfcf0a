"""Carries out what a person decided in a review. The decision is stored first; a job that dies is made up for."""

from jobs.context import in_app_context
from jobs.queues import PUSH, enqueue_once
from jobs.tasks.push import enqueue_requests
from webapp.store import issues


def enqueue_decision(hub_id: int, review_id: int, decision: str, decided_by: str) -> None:
    """A person at a page decided: `decision` is one of webapp.store.issues.DECISIONS."""
    job_id = f"review-{hub_id}-{review_id}"
    enqueue_once(PUSH, "jobs.tasks.review.decide", hub_id, review_id, decision, decided_by, job_id=job_id)


@in_app_context
def decide(hub_id: int, review_id: int, decision: str, decided_by: str) -> None:
    """Store the decision and have it carried out now. Deciding twice the same is harmless."""
    issues.decide(hub_id, review_id, decision, decided_by)
    enqueue_requests(hub_id)
