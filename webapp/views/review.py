"""Doubtful decisions, one by one and as a list. Front-desk staff may decide, too."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from webapp.security.tenant import current_user, signed_in_staff, the_account
from webapp.store import connections, issues, ledger, reviews
from webapp.store.decisions import DECISIONS, NotPossible
from webapp.store.models_account import Account, Connection
from webapp.store.models_sync import Review
from webapp.views import asking
from webapp.views.review_words import RULES, TAKEN_BACK, Answer, Question, answer, question
from webapp.views.showing import Person, cliniko_url, hubspot_url, kind_words, persons, whole_number

blueprint = Blueprint("review", __name__)

PER_PAGE = 50
_LAST = "last_decision"
_NOBODY = Person()


@dataclass(frozen=True)
class Holder:
    """A Cliniko record that is linked to the HubSpot contact in question."""

    kind: str
    cliniko_id: str
    person: Person
    url: str
    rule: str


@dataclass(frozen=True)
class Row:
    """One review. `holders` is what we know of HubSpot's side without asking HubSpot."""

    id: int
    state: str
    kind: str
    cliniko_id: str
    person: Person
    cliniko_url: str
    hubspot_id: str
    hubspot_url: str
    question: Question
    answers: list[tuple[str, Answer]]
    holders: list[Holder]
    opened_at: object

    @property
    def who(self) -> str:
        """The name, or the kind and number of somebody whom we hold no name of."""
        return self.person.name or f"{kind_words(self.kind)} {self.cliniko_id}"


@blueprint.get("/review")
@signed_in_staff
def review_page() -> ResponseReturnValue:
    """The review with the number `id`, else the next one that waits."""
    account = the_account()
    number = whole_number(request.args.get("id"))
    found = issues.get_review(account.hub_id, number) if number is not None else None
    if found is None or found.state not in ("open", "later"):
        found = reviews.first_waiting(account.hub_id)
    total, _ = reviews.count_waiting(account.hub_id)
    if found is None:
        return render_template("review/empty.html", account=account, undo=_last())
    before, after = reviews.beside(account.hub_id, found.id) or (None, None)
    about = reviews.about_contact(account.hub_id, found.hubspot_id) if found.hubspot_id else []
    others = [review for review in about if review.id != found.id]
    row, *rest = rows_of(account, [found, *others])
    return render_template(
        "review/review.html",
        account=account,
        row=row,
        others=rest,
        before=before,
        after=after,
        total=total,
        undo=_last(),
    )


@blueprint.get("/review/list")
@signed_in_staff
def review_list() -> ResponseReturnValue:
    """All of them, a page at a time: first those that are open, with `later` those that were put off."""
    account = the_account()
    later = request.args.get("later") == "1"
    found = reviews.waiting_page(account.hub_id, whole_number(request.args.get("after")) or 0, later, PER_PAGE + 1)
    more = found[PER_PAGE - 1].id if len(found) > PER_PAGE else None
    total, _ = reviews.count_waiting(account.hub_id)
    return render_template(
        "review/list.html",
        account=account,
        rows=rows_of(account, found[:PER_PAGE]),
        more=more,
        later=later,
        total=total,
    )


@blueprint.post("/review/<int:review_id>/decide")
@signed_in_staff
def decide(review_id: int) -> ResponseReturnValue:
    """Store the decision, have it carried out, and go to the next question."""
    account = the_account()
    found = issues.get_review(account.hub_id, review_id)
    if found is None or found.state not in ("open", "later"):
        flash("Somebody decided this meanwhile, or its reason has gone.", "problem")
        return redirect(url_for(".review_page"))
    following = (reviews.beside(account.hub_id, review_id) or (None, None))[1]
    cause, decision = found.cause, request.form.get("decision", "")
    try:
        issues.decide(account.hub_id, review_id, decision, current_user())
    except NotPossible:
        flash("This question has no such answer. Choose one of the buttons.", "problem")
        return redirect(url_for(".review_page", id=review_id))
    session[_LAST] = [review_id, decision]
    if decision != "later":
        asking.carry_out(account.hub_id)
    flash(answer(cause, decision).done, "done")
    return redirect(url_for(".review_page", id=following))


@blueprint.post("/review/undo")
@signed_in_staff
def undo() -> ResponseReturnValue:
    """Take back the last decision that was made in this browser."""
    hub_id, last = the_account().hub_id, _last()
    session.pop(_LAST, None)
    if last is None:
        flash("There is no decision to take back.", "problem")
        return redirect(url_for(".review_page"))
    review_id, decision = last
    word = reviews.take_back(hub_id, review_id, decision, current_user())
    if word == "unlinking":
        asking.carry_out(hub_id)
    flash(TAKEN_BACK[word or "gone"], "done" if word in ("undone", "unlinking") else "problem")
    return redirect(url_for(".review_page", id=review_id))


def rows_of(account: Account, found: Sequence[Review]) -> list[Row]:
    """Reviews with the people on both sides, in a handful of queries."""
    hub_id = account.hub_id
    connection = connections.find_connection(hub_id)
    ids = {review.hubspot_id for review in found if review.hubspot_id}
    links = [*_holding(hub_id, "patient", ids), *_holding(hub_id, "contact", ids)]
    known = persons(
        hub_id,
        [
            *((review.connection_id, review.kind, review.cliniko_id) for review in found),
            *((link.connection_id, link.kind, link.cliniko_id) for link in links),
        ],
    )
    return [
        Row(
            id=review.id,
            state=review.state,
            kind=review.kind,
            cliniko_id=review.cliniko_id,
            person=known.get((review.connection_id, review.kind, review.cliniko_id), _NOBODY),
            cliniko_url=cliniko_url(_of(connection, review.connection_id), review.kind, review.cliniko_id),
            hubspot_id=review.hubspot_id,
            hubspot_url=hubspot_url(account, "hubspot_contact", review.hubspot_id),
            question=question(review.cause),
            answers=_answers(review),
            holders=[
                Holder(
                    link.kind,
                    link.cliniko_id,
                    known.get((link.connection_id, link.kind, link.cliniko_id), _NOBODY),
                    cliniko_url(_of(connection, link.connection_id), link.kind, link.cliniko_id),
                    RULES.get(link.rule or "", ""),
                )
                for link in links
                if link.hubspot_id == review.hubspot_id
            ],
            opened_at=review.opened_at,
        )
        for review in found
    ]


def _holding(hub_id: int, kind: str, ids: set[str]) -> list[ledger.LinkRow]:
    return [link for link in ledger.by_hubspot(hub_id, kind, ids).values() if link.state in ledger.HOLDING]


def _answers(review: Review) -> list[tuple[str, Answer]]:
    possible = DECISIONS.get(review.cause, ())
    return [
        (word, answer(review.cause, word))
        for word in possible
        if not (word == "linked" and not review.hubspot_id) and not (word == "later" and review.state == "later")
    ]


def _of(connection: Connection | None, connection_id: int) -> Connection | None:
    """The connection, when the record is one of its own and not of a Cliniko account that was replaced."""
    return connection if connection is not None and connection.id == connection_id else None


def _last() -> tuple[int, str] | None:
    stored = session.get(_LAST)
    match stored:
        case [int(review_id), str(decision)]:
            return review_id, decision
    return None
