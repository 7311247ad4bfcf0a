"""Reviews as the page goes through them: one after the other, a list, and taking a decision back."""

from sqlalchemy import func, select

from webapp.clock import now
from webapp.extensions import db

from . import ledger, pushes
from .issues import get_review
from .models_hooks import PushRequest
from .models_sync import Issue, Review

_WAITING = ("open", "later")
# Requests about one contact that are looked through for the one of a review.
_LOOK_BACK = 50


def waiting_page(hub_id: int, after_id: int = 0, later: bool = False, limit: int = 50) -> list[Review]:
    """Reviews that wait, oldest number first: the open ones, or with `later` those that were put off."""
    query = select(Review).where(
        Review.hub_id == hub_id, Review.state == ("later" if later else "open"), Review.id > after_id
    )
    return list(db.session.scalars(query.order_by(Review.id).limit(limit)))


def first_waiting(hub_id: int) -> Review | None:
    """The one to decide next."""
    found = waiting_page(hub_id, limit=1) or waiting_page(hub_id, later=True, limit=1)
    return found[0] if found else None


def beside(hub_id: int, review_id: int) -> tuple[int | None, int | None] | None:
    """Numbers of the reviews before and after this one, in the order in which the page shows them; None when this one
    is not there."""
    review = get_review(hub_id, review_id)
    if review is None:
        return None
    later = review.state == "later"
    following = waiting_page(hub_id, review.id, later, limit=1)
    if not following and not later:
        following = waiting_page(hub_id, later=True, limit=1)
    before = _last_before(hub_id, "later" if later else "open", review.id)
    if before is None and later:
        before = _last_before(hub_id, "open", None)
    return before, following[0].id if following else None


def count_waiting(hub_id: int, most: int = 1000) -> tuple[int, int]:
    """(reviews, issues) that wait for a person, counted no further than `most`: every page shows them."""
    reviews = select(Review.id).where(Review.hub_id == hub_id, Review.state.in_(_WAITING)).limit(most).subquery()
    opened = select(Issue.id).where(Issue.hub_id == hub_id, Issue.state == "open").limit(most).subquery()
    return (
        int(db.session.scalar(select(func.count()).select_from(reviews)) or 0),
        int(db.session.scalar(select(func.count()).select_from(opened)) or 0),
    )


def take_back(hub_id: int, review_id: int, decision: str, asked_by: str) -> str | None:
    """Undo a decision; commits. Returns a word: undone | unlinking (it had been carried out, and the two are unlinked
    again) | too_late; None when the review is not there, or was decided otherwise meanwhile."""
    review = get_review(hub_id, review_id)
    if review is None or review.state not in (decision, "closed"):
        db.session.rollback()
        return None
    request = _request_of(hub_id, review)
    word = "undone"
    if request is not None and request.state == "open" and request.started_at is None:
        request.state, request.result, request.finished_at = "done", "taken_back", now()
    elif request is not None and decision not in ("separate", "ignored", "later"):
        if not _is_plain_link(hub_id, review, decision):
            db.session.rollback()
            return "too_late"
        pushes.ask(hub_id, "unlink", review.hubspot_id, now(), asked_by)
        word = "unlinking"
    _open_again(review)
    db.session.commit()
    return word


def about_contact(hub_id: int, hubspot_id: str, limit: int = 10) -> list[Review]:
    """Reviews that wait about this HubSpot contact: a push may have found several patients."""
    query = select(Review).where(Review.hub_id == hub_id, Review.hubspot_id == hubspot_id, Review.state.in_(_WAITING))
    return list(db.session.scalars(query.order_by(Review.id).limit(limit)))


def _open_again(review: Review) -> None:
    review.state, review.decided_at, review.decided_by = "open", None, None


def _is_plain_link(hub_id: int, review: Review, decision: str) -> bool:
    """Was a patient linked with a contact that nobody else had to leave? Only that can be turned round."""
    if decision != "linked" or review.kind != "patient" or review.cause in ("merged_in_hubspot", "push_candidates"):
        return False
    link = ledger.by_hubspot(hub_id, "patient", [review.hubspot_id]).get(review.hubspot_id)
    return link is not None and link.state == "linked" and link.cliniko_id == review.cliniko_id


def _request_of(hub_id: int, review: Review) -> PushRequest | None:
    """What the decision asked for. Locked, so that nobody begins with it while it is taken back."""
    query = select(PushRequest).where(
        PushRequest.hub_id == hub_id, PushRequest.what == "review", PushRequest.hubspot_id == review.hubspot_id
    )
    rows = db.session.scalars(
        query.order_by(PushRequest.id.desc())
        .limit(_LOOK_BACK)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return next((row for row in rows if (row.options or {}).get("review") == review.id), None)


def _last_before(hub_id: int, state: str, review_id: int | None) -> int | None:
    query = select(Review.id).where(Review.hub_id == hub_id, Review.state == state)
    if review_id is not None:
        query = query.where(Review.id < review_id)
    return db.session.scalar(query.order_by(Review.id.desc()).limit(1))
