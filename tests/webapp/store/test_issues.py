"""Issues and their retries: 15 minutes, 1 hour, 6 hours, then daily."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.webapp.store.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.store import issues

START = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
STEPS = [timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=1)]


def report(connection_id: int, cliniko_id: str = "1", cause: str = "refused", **values) -> None:
    issues.open_issue(HUB, connection_id, "patients", "patient", cliniko_id, cause, **values)
    db.session.commit()


def only():
    (issue,) = issues.list_issues(HUB)
    return issue


def test_the_ladder_is_climbed_one_step_per_failure(connection_id, engine):
    with time_machine.travel(START, tick=False) as clock:
        for number, step in enumerate(STEPS, 1):
            report(connection_id)
            assert (only().attempts, only().retry_at) == (number, now() + step)
            clock.shift(step - timedelta(seconds=1))
            assert issues.due(connection_id, "patient", now()) == []
            clock.shift(timedelta(seconds=1))
            assert issues.due(connection_id, "patient", now()) == ["1"]


@pytest.mark.parametrize(("attempts", "step"), [(-1, 0), (0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (5, 3), (1000, 3)])
def test_the_ladder_has_no_end_and_no_hole(attempts, step):
    assert issues.next_retry(attempts, START) == START + STEPS[step]


def test_a_record_that_went_through_starts_at_the_bottom_again(connection_id):
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(3):
            report(connection_id, detail="not valid")
        assert issues.resolve(connection_id, "patient", ["1"]) == 1
        db.session.commit()
        assert issues.list_issues(HUB) == []
        (closed,) = issues.list_issues(HUB, state="resolved")
        assert (closed.retry_at, closed.detail, closed.resolved_at) == (None, None, START)
        clock.shift(timedelta(days=2))
        report(connection_id)
        assert (only().attempts, only().retry_at) == (1, now() + STEPS[0])
        assert only().first_seen_at == now()


def test_causes_and_fields_of_a_record_are_counted_apart(connection_id):
    report(connection_id, cause="field_refused", field="phone")
    report(connection_id, cause="field_refused", field="city")
    report(connection_id, cause="email_refused", field="email")
    report(connection_id, cause="field_refused", field="phone")
    assert issues.count_open(HUB) == {"patients": 3}
    assert sorted(issue.attempts for issue in issues.list_issues(HUB)) == [1, 1, 2]
    assert issues.due(connection_id, "patient", now() + timedelta(days=2)) == ["1"], "one read serves all"


def test_what_the_same_write_opened_again_stays_open(connection_id):
    report(connection_id, cause="field_refused", field="phone")
    report(connection_id, cause="field_refused", field="city")
    kept = [("1", "field_refused", "phone")]
    assert issues.resolve(connection_id, "patient", ["1"], keep=kept) == 1
    db.session.commit()
    assert only().field == "phone"


def test_an_issue_without_a_retry_waits_for_a_person(connection_id):
    report(connection_id, retry=False)
    assert only().retry_at is None
    assert issues.due(connection_id, "patient", now() + timedelta(days=999)) == []
    assert issues.retry_now(HUB) == 1
    assert issues.due(connection_id, "patient", now()) == ["1"]


def test_on_request_issues_are_due_at_once(connection_id, engine):
    for number in ("1", "2", "3"):
        report(connection_id, number)
    chosen = [issue.id for issue in issues.list_issues(HUB) if issue.cliniko_id == "2"]
    assert issues.retry_now(HUB, chosen) == 1
    assert issues.due(connection_id, "patient", now()) == ["2"]
    assert issues.retry_now(HUB) == 3
    assert sorted(issues.due(connection_id, "patient", now())) == ["1", "2", "3"]
    assert issues.retry_now(HUB, []) == 0
    assert issues.retry_now(404) == 0


def test_a_record_that_cliniko_did_not_return_climbs_too(connection_id):
    with time_machine.travel(START, tick=False):
        report(connection_id)
        issues.postpone(connection_id, "patient", ["1", "2"])
        db.session.commit()
        assert (only().attempts, only().retry_at) == (2, START + STEPS[1])


def test_the_apis_own_words_are_kept_for_the_page(connection_id, engine):
    report(connection_id, detail="Property values were not valid: ana@@x", hubspot_id="501")
    assert (only().detail, only().hubspot_id) == ("Property values were not valid: ana@@x", "501")
    report(connection_id, detail=None)
    assert (only().detail, only().hubspot_id) == (None, "501")


def test_work_items_go_first_and_a_record_is_asked_for_once(connection_id, engine):
    with time_machine.travel(START, tick=False) as clock:
        report(connection_id, "1")
        report(connection_id, "2")
        clock.shift(timedelta(hours=1))
        issues.add_work(HUB, connection_id, "patient", ["2", "3"], "asked")
        issues.add_work(HUB, connection_id, "patient", ["4"], "asked", due_at=now() + timedelta(hours=1))
        db.session.commit()
        assert issues.due(connection_id, "patient", now()) == ["2", "3", "1"]
        assert issues.due(connection_id, "patient", now(), limit=2) == ["2", "3"]
        issues.done_work(connection_id, "patient", ["2", "3"])
        db.session.commit()
        assert issues.count_work(HUB) == {"patient": 1}
        clock.shift(timedelta(hours=2))
        assert "4" in issues.due(connection_id, "patient", now())


def test_work_that_is_asked_for_twice_is_one_item(connection_id):
    for reason in ("asked", "review"):
        issues.add_work(HUB, connection_id, "patient", ["1", "1"], reason)
    db.session.commit()
    assert issues.count_work(HUB) == {"patient": 1}


def test_a_thousand_issues_do_not_become_a_thousand_reads(connection_id, engine):
    issues.add_work(HUB, connection_id, "patient", [str(number) for number in range(1200)], "asked")
    db.session.commit()
    assert len(issues.due(connection_id, "patient", now())) == 50
    assert issues.count_work(HUB) == {"patient": 1200}


def test_a_review_is_opened_once_and_decided_once(connection_id, engine):
    row = {
        "hub_id": HUB,
        "connection_id": connection_id,
        "kind": "patient",
        "cliniko_id": "1",
        "hubspot_id": "501",
        "cause": "shared_email",
    }
    for _ in range(2):
        issues.open_reviews([row])
        db.session.commit()
    (review,) = issues.list_reviews(HUB)
    assert issues.count_reviews(HUB) == {"shared_email": 1}
    assert issues.decide(HUB, review.id, "later", "7").state == "later"
    assert issues.count_work(HUB) == {}
    assert [one.id for one in issues.list_reviews(HUB)] == [review.id]
    issues.decide(HUB, review.id, "separate", "7")
    assert issues.list_reviews(HUB) == []
    assert issues.count_work(HUB) == {"patient": 1}, "the record is read again"
    issues.open_reviews([row])
    db.session.commit()
    assert issues.list_reviews(HUB) == [], "a decision is not asked for twice"
    assert issues.decisions(connection_id, "patient", ["1"])["1"].state == "separate"
    assert issues.decide(404, review.id, "linked", "7") is None
