"""What a person decides in a review is done: linked, kept apart, created, updated or left."""

import pytest

from tests.jobs.sync.practice import DAY, Practice
from tests.support.hooked import PATIENT, Hooked
from tests.support.people import add_lead, add_patient, keys, links, open_reviews, reviews, states
from webapp.clock import now
from webapp.extensions import db
from webapp.sandbox.support import Fault
from webapp.store import issues
from webapp.store.decisions import DECISIONS, NotPossible

EMAIL, BORN = "family@people.example", {"date_of_birth": "1990-05-01"}
ANA = {"firstname": "Ana", "lastname": "Ruiz"}


def decide(hooks: Hooked, decision: str, cause: str, patient: str | None = None) -> str | None:
    """Answer the one open question of this cause (about this patient); returns how carrying it out ended."""
    (review,) = [
        r for r in reviews(hooks.clinic) if (r.state, r.cause) == ("open", cause) and patient in (None, r.cliniko_id)
    ]
    number = review.id
    db.session.rollback()
    issues.decide(hooks.hub_id, number, decision, "person 77")
    hooks.deliver()
    return hooks.results()[-1] if decision != "later" else None


@pytest.fixture
def doubtful(hooks, clinic) -> tuple[str, str]:
    """Ben has a contact of his own, because the one with his address has another first name: Ana."""
    practice = Practice(clinic)
    lead = add_lead(clinic, email=EMAIL, **ANA)
    ben = practice.patient("Ben", "Ruiz", id="5", email=EMAIL, city="Newtown")
    practice.appointment(ben, now() + DAY)
    hooks.cycle("patients", "appointments")
    assert open_reviews(clinic) == {(ben, lead, "doubtful_match")} and hooks.contact_of(ben) != lead
    return ben, lead


def test_link_them_and_the_patient_s_own_contact_is_left_without_our_marks(doubtful, hooks, clinic):
    ben, lead = doubtful
    own = hooks.contact_of(ben)
    assert decide(hooks, "linked", "doubtful_match") == "linked"
    hooks.cycle("patients", "appointments")
    assert (links(clinic)[ben].hubspot_id, links(clinic)[ben].rule) == (lead, "review")
    kept, left = hooks.contact(lead), hooks.contact(own)
    assert (kept["firstname"], kept["email"], kept["city"]) == ("Ben", EMAIL, "Newtown")
    marks = ("cliniko_patient_key", "cliniko_patient_id", "cliniko_patient_status", "cliniko_appointments_booked")
    assert not set(marks) & left.keys() and left["firstname"] == "Ben"
    assert left["cliniko_sync_status"] == "Unlinked"
    assert keys(clinic) == {f"{clinic.account.id}:{ben}": 1}
    (deal,) = clinic.deals().values()
    assert clinic.contacts_of_deal(deal["id"]) == [lead]
    assert hooks.contact(lead)["cliniko_appointments_booked"] == "1"
    assert not open_reviews(clinic)
    hooks.quiet_cycles(1, "patients", "appointments")
    lines = [(line.actor, line.action, line.hubspot_id) for line in hooks.activity() if line.actor == "person 77"]
    assert lines == [("person 77", "unlinked", own), ("person 77", "linked", lead)]


def test_keep_separate_is_not_asked_again(doubtful, hooks, clinic):
    ben, lead = doubtful
    own = hooks.contact_of(ben)
    assert decide(hooks, "separate", "doubtful_match") == "separate"
    clinic.account.edit("patients", ben, city="Glebe")
    hooks.cycle()
    assert hooks.contact_of(ben) == own and not open_reviews(clinic)
    assert hooks.contact(own)["city"] == "Glebe" and "city" not in hooks.contact(lead)


def test_later_changes_nothing_and_can_be_decided_then(doubtful, hooks, clinic):
    ben, lead = doubtful
    decide(hooks, "later", "doubtful_match")
    assert hooks.requests() == []
    (review,) = reviews(clinic)
    assert review.state == "later"
    issues.decide(hooks.hub_id, review.id, "linked", "person 77")
    hooks.deliver()
    assert hooks.contact_of(ben) == lead


def test_somebody_who_was_held_is_linked_or_gets_a_contact_at_once(hooks, clinic):
    clinic.set("hold_doubtful_matches", "on")
    lead = add_lead(clinic, email=EMAIL, **ANA)
    ben, tom = (add_patient(clinic, first, "Ruiz", EMAIL, id=number) for first, number in (("Ben", "5"), ("Tom", "6")))
    hooks.cycle()
    assert set(states(clinic).values()) == {"held"}
    assert decide(hooks, "linked", "doubtful_match", ben) == "linked"
    assert decide(hooks, "separate", "doubtful_match", tom) == "separate"
    assert hooks.contact_of(ben) == lead and hooks.contact_of(tom) != lead
    assert "email" not in hooks.contact(hooks.contact_of(tom))


def test_one_that_belongs_to_somebody_by_now_is_not_taken_away(doubtful, hooks, clinic):
    ben, lead = doubtful
    ana = add_patient(clinic, "Ana", "Ruiz", EMAIL, id="6")
    hooks.cycle()
    assert hooks.contact_of(ana) == lead
    own = hooks.contact_of(ben)
    assert decide(hooks, "linked", "doubtful_match", ben) == "taken"
    assert (hooks.contact_of(ana), hooks.contact_of(ben)) == (lead, own)


def test_one_that_is_gone_by_now_changes_nothing(doubtful, hooks, clinic):
    ben, lead = doubtful
    own = hooks.contact_of(ben)
    clinic.portal.delete("contacts", lead)
    assert decide(hooks, "linked", "doubtful_match") == "contact_gone"
    assert hooks.contact_of(ben) == own


def test_broken_off_in_the_middle_it_goes_on(doubtful, hooks, clinic):
    ben, lead = doubtful
    clinic.hubspot.faults.add(Fault(match="POST .*/contacts/batch/update", status=502, times=4))
    decide(hooks, "linked", "doubtful_match")
    assert hooks.requests()[0].state == "open"
    clinic.hubspot.faults.clear()
    hooks.retry_now()
    assert hooks.results() == ["linked"] and hooks.contact_of(ben) == lead
    assert keys(clinic) == {f"{clinic.account.id}:{ben}": 1}


@pytest.fixture
def mixed_up(hooks, clinic) -> tuple[str, str]:
    """A form gave Ana's contact the names of Tom, and somebody pushed it."""
    ana = add_patient(clinic, email="ana@people.example", id="5", **BORN)
    hooks.cycle()
    contact = hooks.contact_of(ana)
    assert hooks.push(contact, firstname="Tom", lastname="Ode", city="Glebe") == "another_person"
    return ana, contact


def test_the_same_person_after_all_is_updated(mixed_up, hooks, clinic):
    ana, contact = mixed_up
    assert decide(hooks, "update", "another_person") == "updated"
    assert (hooks.patient(ana)["first_name"], hooks.patient(ana)["city"]) == ("Tom", "Glebe")
    assert hooks.contact(contact)["cliniko_sync_status"] == "Sent to Cliniko" and not open_reviews(clinic)
    hooks.quiet_cycles(1)


def test_somebody_else_becomes_a_patient_of_their_own(mixed_up, hooks, clinic):
    ana, contact = mixed_up
    clinic.portal.update("contacts", contact, {"date_of_birth": "", "cliniko_date_of_birth": ""})
    assert decide(hooks, "create", "another_person") == "created"
    (tom,) = [p["id"] for p in hooks.patients() if p["id"] != ana]
    assert (hooks.patient(tom)["first_name"], hooks.patient(ana)["first_name"]) == ("Tom", "Ana")
    assert hooks.contact_of(tom) == contact and states(clinic)[ana] == "unlinked"
    assert keys(clinic) == {f"{clinic.account.id}:{tom}": 1} and not open_reviews(clinic)
    hooks.quiet_cycles(1)


def test_ignored_it_is_asked_again_only_by_the_next_push(mixed_up, hooks, clinic):
    ana, contact = mixed_up
    assert decide(hooks, "ignored", "another_person") == "ignored"
    assert hooks.patient(ana)["first_name"] == "Ana" and not open_reviews(clinic)
    assert hooks.push(contact) == "another_person"
    assert open_reviews(clinic) == {(ana, contact, "another_person")}


@pytest.fixture
def several(hooks, clinic) -> tuple[str, str, str]:
    """Two patients may be the person of a contact."""
    one = add_patient(clinic, email=EMAIL, id="5")
    two = add_patient(clinic, id="6", **BORN)
    lead = add_lead(clinic, **ANA, email=EMAIL, city="Glebe", **BORN)
    assert hooks.push(lead) == "several"
    return one, two, lead


def test_this_one_is_linked_and_updated_and_the_other_question_goes(several, hooks, clinic):
    one, two, lead = several
    assert decide(hooks, "linked", "push_candidates", two) == "linked"
    assert hooks.contact_of(two) == lead and hooks.patient(two)["city"] == "Glebe"
    assert hooks.patient(one).get("city") is None and not open_reviews(clinic)
    hooks.cycle()
    assert hooks.contact_of(one) != lead


def test_none_of_them_a_new_one_is_made_once(several, hooks, clinic):
    one, two, lead = several
    clinic.cliniko.faults.add(Fault(match="POST /v1/patients$", kind="reset", when="after"))
    decide(hooks, "create", "push_candidates", one)
    hooks.retry_now()
    assert hooks.results()[-1] == "created"
    (new,) = [p["id"] for p in hooks.patients() if p["id"] not in (one, two)]
    assert hooks.contact_of(new) == lead and not open_reviews(clinic)
    assert hooks.contact(lead)[PATIENT] == "false"


def test_ignored_nothing_is_sent(several, hooks, clinic):
    one, _, lead = several
    decide(hooks, "ignored", "push_candidates", one)
    assert (
        len(hooks.patients()) == 2
        and not open_reviews(clinic)
        and lead not in {link.hubspot_id for link in links(clinic).values()}
    )


def test_only_the_answers_of_a_question_are_taken(hooks, clinic):
    ana = add_patient(clinic)
    hooks.cycle()
    connection = links(clinic)[ana].connection_id
    base = {"hub_id": clinic.hub_id, "connection_id": connection, "kind": "patient", "cliniko_id": ana}
    words = sorted({word for allowed in DECISIONS.values() for word in allowed})
    for place, (cause, allowed) in enumerate(DECISIONS.items()):
        issues.open_reviews([{**base, "cliniko_id": f"{ana}{place}", "hubspot_id": "", "cause": cause}])
        db.session.commit()
        (number,) = [r.id for r in reviews(clinic) if r.cause == cause]
        for word in {*words, "", "closed", "open"} - {w for w in allowed if w != "linked"}:
            with pytest.raises(NotPossible):
                issues.decide(clinic.hub_id, number, word, "person 77")
    assert issues.decide(clinic.hub_id, 999_999, "later", "person 77") is None
    assert issues.decide(clinic.hub_id + 1, number, "later", "person 77") is None
    assert hooks.requests() == []
