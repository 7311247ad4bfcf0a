"""The published matching rules, one by one, and the promise that no input mixes two people."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sync.matching import Candidate, Decision, Subject, decide

BORN = date(1990, 5, 1)
ANA = Subject("7", "1:7", "fam@x.com", frozenset({"ana", "anita"}), "ruiz", BORN, removed=False)
LEAD = Candidate("501", frozenset({"fam@x.com"}), "ana", "ruiz", None, None)


def apply(
    subject=ANA, *, by_key=None, by_email=None, by_id=None, by_phone=(), taken=None, never=(), hold=False
) -> Decision:
    return decide(
        subject,
        by_key=by_key,
        by_email=by_email,
        by_id=by_id,
        by_phone=by_phone,
        taken=taken or {},
        never=never,
        hold_doubtful=hold,
    )


def test_rule_1_a_contact_with_our_key_is_the_patient():
    keyed = replace(LEAD, key="1:7", first="other", last="name")
    assert (apply(by_key=keyed).action, apply(by_key=keyed).rule) == ("link", "key")


def test_rule_1_a_key_on_a_contact_of_another_patient_is_blocked():
    keyed = replace(LEAD, key="1:7")
    assert apply(by_key=keyed, taken={"501": "8"}).action == "blocked"


def test_rule_2_email_and_names():
    decision = apply(by_email=LEAD)
    assert (decision.action, decision.rule, decision.write_email) == ("link", "email_and_names", True)


def test_rule_2_the_preferred_name_counts():
    assert apply(by_email=replace(LEAD, first="anita")).rule == "email_and_names"


def test_rule_2_equal_birth_dates_agree():
    assert apply(by_email=replace(LEAD, birth=BORN)).action == "link"


@pytest.mark.parametrize(
    ("subject", "contact", "taken", "never"),
    [
        (ANA, replace(LEAD, birth=date(1960, 5, 1)), {}, ()),
        (ANA, replace(LEAD, first="maria"), {}, ()),
        (ANA, replace(LEAD, last="gomez"), {}, ()),
        (ANA, replace(LEAD, last=None), {}, ()),
        (ANA, replace(LEAD, first=None), {}, ()),
        (replace(ANA, namesake_shares_email=True, email_shared=True), LEAD, {}, ()),
        (ANA, LEAD, {"501": "8"}, ()),
        (ANA, replace(LEAD, key="1:8"), {}, ()),
        (ANA, replace(LEAD, key="2:7"), {}, ()),
        (ANA, LEAD, {}, ("501",)),
        (replace(ANA, email_shared=True), replace(LEAD, first=None, last=None), {}, ()),
        (ANA, replace(LEAD, first=None, last=None, birth=date(1960, 1, 1)), {}, ()),
    ],
    ids=[
        "other birth date",
        "other first name",
        "other last name",
        "first name only",
        "last name only",
        "namesake",
        "linked",
        "other patient's key",
        "other account's key",
        "never-match",
        "family lead",
        "nameless, other birth",
    ],
)
def test_rule_4_everything_else_becomes_a_separate_contact(subject, contact, taken, never):
    decision = apply(subject, by_email=contact, taken=taken, never=never)
    assert (decision.action, decision.write_email, decision.shared_email) == ("create", False, True)


def test_rule_3_a_nameless_lead():
    assert apply(by_email=replace(LEAD, first=None, last=None)).rule == "email_only"


def test_rule_4_opens_a_review_that_says_whether_there_is_something_to_decide():
    assert apply(by_email=replace(LEAD, first="maria")).review == "doubtful_match"
    assert apply(by_email=LEAD, taken={"501": "8"}).review == "shared_email"
    assert apply(by_email=LEAD, never=("501",)).review is None


def test_rule_4_can_wait_for_the_review():
    held = apply(by_email=replace(LEAD, first="maria"), hold=True)
    assert (held.action, held.review_hubspot_id) == ("hold", "501")
    assert apply(by_email=LEAD, taken={"501": "8"}, hold=True).action == "create"


def test_a_decided_review_is_obeyed():
    chosen = replace(ANA, decided="linked", decided_hubspot_id="501")
    maria = replace(LEAD, first="maria")
    assert apply(chosen, by_email=maria, by_id=maria, hold=True).rule == "review"
    assert apply(chosen, by_email=maria, by_id=maria, taken={"501": "8"}).action == "create"
    assert apply(replace(ANA, decided="separate"), by_email=maria, hold=True).review is None


def test_rule_5_only_one_of_a_family_writes_the_address():
    assert apply().write_email is True
    second = apply(replace(ANA, owns_email=False, email_shared=True))
    assert (second.action, second.write_email, second.review) == ("create", False, "shared_email")


def test_rule_6_without_an_email():
    without = replace(ANA, email=None)
    assert apply(without).rule == "new_without_email"
    assert apply(without, by_phone=[LEAD]).rule == "phone_and_names"
    assert apply(without, by_phone=[LEAD, replace(LEAD, hubspot_id="502")]).action == "create"
    assert apply(without, by_phone=[replace(LEAD, first="maria")]).action == "create"
    assert apply(without, by_phone=[LEAD], taken={"501": "8"}).action == "create"


def test_archived_and_merged_are_left_out_unless_needed_or_known():
    gone = replace(ANA, removed=True)
    assert apply(gone, by_email=LEAD).action == "exclude"
    assert apply(replace(gone, needed=True), by_email=LEAD).action == "link"
    assert apply(gone, by_key=replace(LEAD, key="1:7")).action == "link"


names = st.sampled_from([None, "ana", "maria", "anita"])
candidates = st.builds(
    Candidate,
    hubspot_id=st.sampled_from(["501", "502"]),
    emails=st.just(frozenset({"fam@x.com"})),
    first=names,
    last=st.sampled_from([None, "ruiz", "gomez"]),
    birth=st.sampled_from([None, BORN, date(1960, 1, 1)]),
    key=st.sampled_from([None, "1:7", "1:8", "2:7"]),
)
subjects = st.builds(
    Subject,
    cliniko_id=st.just("7"),
    key=st.just("1:7"),
    email=st.sampled_from([None, "fam@x.com"]),
    first_names=st.frozensets(st.sampled_from(["ana", "anita"])),
    last=st.sampled_from([None, "ruiz"]),
    birth=st.sampled_from([None, BORN]),
    removed=st.booleans(),
    email_shared=st.booleans(),
    namesake_shares_email=st.booleans(),
    owns_email=st.booleans(),
    decided=st.sampled_from([None, "linked", "separate"]),
    decided_hubspot_id=st.sampled_from([None, "501", "502"]),
)


@given(
    subjects,
    st.none() | candidates,
    st.none() | candidates,
    st.none() | candidates,
    st.dictionaries(st.sampled_from(["501", "502"]), st.sampled_from(["7", "8"])),
    st.frozensets(st.sampled_from(["501", "502"])),
    st.booleans(),
)
def test_a_link_never_takes_a_contact_that_is_somebody_elses(subject, by_key, by_email, by_id, taken, never, hold):
    by_key = replace(by_key, key="1:7") if by_key else None
    decision = apply(subject, by_key=by_key, by_email=by_email, by_id=by_id, taken=taken, never=never, hold=hold)
    if decision.action == "link":
        assert taken.get(decision.hubspot_id, "7") == "7"
        assert decision.hubspot_id not in never
        if decision.rule in ("email_and_names", "email_only"):
            assert by_email.key in (None, "1:7")
            assert subject.birth is None or by_email.birth is None or subject.birth == by_email.birth
    if decision.action == "create" and by_email is not None and subject.email:
        assert not decision.write_email
