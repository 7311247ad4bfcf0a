"""Reading and writing records of the simulated HubSpot, a hundred at a time."""

from datetime import timedelta

import pytest

from tests.support.http_stub import Reply, Reset
from tests.webapp.clients.conftest import HUB, Vault
from webapp.clients.errors import NotFound, Rejected, Throttled, Unavailable
from webapp.clients.hubspot import objects
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clients.hubspot.objects import WriteInput
from webapp.clock import now
from webapp.sandbox.hubspot import properties
from webapp.sandbox.support import Fault

KEY = "cliniko_patient_key"
BATCH = r"/crm/objects/2026-09/contacts/batch/"


@pytest.fixture
def keyed(portal):
    """The account has our unique key."""
    wanted = {"name": KEY, "label": "Key", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
    properties.create_one(portal, "contacts", {**wanted, "hasUniqueValue": True})
    return portal


def upserts(*people: tuple[str, str]) -> list[WriteInput]:
    return [WriteInput(f"t{n}", f"77:{n}", {"email": e, "firstname": f}) for n, (e, f) in enumerate(people)]


def test_upsert_creates_then_updates_and_says_which(hubspot, keyed):
    inputs = upserts(("one@x.example", "One"), ("two@x.example", "Two"))
    first = objects.batch_upsert(hubspot, "contacts", inputs, KEY)
    assert first.errors == []
    assert {r.trace_id: r.new for r in first.results} == {"t0": True, "t1": True}
    assert {r.properties[KEY] for r in first.results} == {"77:0", "77:1"}
    second = objects.batch_upsert(hubspot, "contacts", inputs, KEY)
    assert {r.trace_id: r.new for r in second.results} == {"t0": False, "t1": False}
    assert {r.id for r in second.results} == {r.id for r in first.results}
    assert len(keyed.contacts) == 2


def test_a_hundred_inputs_are_one_call_each_with_its_own_trace(hubspot, sandbox, keyed):
    inputs = upserts(*[(f"p{n}@x.example", f"P{n}") for n in range(100)])
    made = objects.batch_upsert(hubspot, "contacts", inputs, KEY)
    assert {r.trace_id for r in made.results} == {f"t{n}" for n in range(100)}
    assert sandbox.calls.count("POST", BATCH) == 1


def test_one_bad_input_does_not_lose_the_others(hubspot, keyed):
    holder = keyed.create("contacts", {"email": "taken@x.example", "firstname": "Holder"})
    inputs = [
        WriteInput("good", "77:1", {"email": "fine@x.example"}),
        WriteInput("clash", "77:2", {"email": "Taken@x.example"}),
        WriteInput("email", "77:3", {"email": "no address"}),
        WriteInput("unknown", "77:4", {"firstname": "A", "no_such_property": "1"}),
    ]
    done = objects.batch_upsert(hubspot, "contacts", inputs, KEY)
    assert [r.trace_id for r in done.results] == ["good"]
    errors = {e.trace_ids: e for e in done.errors}
    assert set(errors) == {("clash",), ("email",), ("unknown",)}
    clash = errors["clash",]
    assert (clash.holder_id, clash.property_names, clash.ids) == (holder.id, ("email",), ("77:2",))
    assert clash.category == "VALIDATION_ERROR"
    assert (errors["email",].codes, errors["email",].property_names) == (("INVALID_EMAIL",), ("email",))
    assert errors["email",].holder_id is None
    unknown = errors["unknown",]
    assert (unknown.codes, unknown.property_names) == (("PROPERTY_DOESNT_EXIST",), ("no_such_property",))
    assert len(keyed.contacts) == 2


def test_the_holder_of_a_value_is_never_the_record_that_was_being_made(hubspot, keyed):
    holder = keyed.create("contacts", {"email": "one@x.example", "hs_additional_emails": "second@x.example"})
    done = objects.batch_upsert(hubspot, "contacts", upserts(("second@x.example", "Two")), KEY)
    assert done.errors[0].holder_id == holder.id
    other = keyed.create("contacts", {"email": "other@x.example"})
    done = objects.batch_update(hubspot, "contacts", [WriteInput("t", other.id, {"email": "one@x.example"})])
    assert done.errors[0].holder_id == holder.id != other.id


def test_creating_a_contact_that_exists_names_it(hubspot, keyed):
    holder = keyed.create("contacts", {"email": "one@x.example"})
    done = objects.batch_create(hubspot, "contacts", [WriteInput("t", "", {"email": "one@x.example"})])
    assert (done.results, done.errors[0].holder_id, done.errors[0].category) == ([], holder.id, "CONFLICT")
    path = hubspot.path("crm/objects", "contacts")
    with pytest.raises(Rejected) as raised:
        hubspot.request("POST", path, {"properties": {"email": "one@x.example"}})
    assert (raised.value.status, raised.value.existing_id, raised.value.category) == (409, holder.id, "CONFLICT")


def test_a_contact_merged_away_is_in_neither_list(hubspot, keyed):
    one, two = (keyed.create("contacts", {"email": f"{n}@x.example"}) for n in ("one", "two"))
    survivor = keyed.merge("contacts", one.id, two.id)
    inputs = [WriteInput("lost", two.id, {"city": "Hobart"}), WriteInput("kept", survivor.id, {"city": "Perth"})]
    done = objects.batch_update(hubspot, "contacts", inputs)
    assert [r.trace_id for r in done.results] == ["kept"] and done.errors == []
    assert objects.read_one(hubspot, "contacts", two.id, ["city"]).id == survivor.id


def test_updating_what_is_gone(hubspot, keyed):
    done = objects.batch_update(hubspot, "contacts", [WriteInput("t", "999", {"city": "Hobart"})])
    assert (done.errors[0].category, done.errors[0].trace_ids) == ("OBJECT_NOT_FOUND", ("t",))


def test_the_same_record_twice_refuses_the_batch_as_a_whole(hubspot, keyed):
    one = keyed.create("contacts", {"email": "one@x.example"})
    twice = [WriteInput("a", one.id, {"city": "A"}), WriteInput("b", one.id, {"city": "B"})]
    with pytest.raises(Rejected) as raised:
        objects.batch_update(hubspot, "contacts", twice)
    assert raised.value.status == 400 and "Duplicate IDs" in raised.value.detail
    assert one.id not in str(raised.value)


def test_reading_by_key_and_by_id_reports_what_is_not_there(hubspot, keyed):
    keyed.create("contacts", {KEY: "77:1", "firstname": "One"})
    found = objects.batch_read(
        hubspot, "contacts", ["77:1", "77:2", "77:1"], ["firstname", KEY, "city", "no_such"], KEY
    )
    assert [(r.properties["firstname"], r.properties["city"]) for r in found.results] == [("One", None)]
    assert "no_such" not in found.results[0].properties
    assert [(e.category, e.ids) for e in found.errors] == [("OBJECT_NOT_FOUND", ("77:2",))]


def test_archiving_and_reading_the_archived(hubspot, keyed):
    one = keyed.create("contacts", {"email": "one@x.example"})
    objects.batch_archive(hubspot, "contacts", [one.id, one.id])
    objects.batch_archive(hubspot, "contacts", [one.id])
    with pytest.raises(NotFound):
        objects.read_one(hubspot, "contacts", one.id, ["email"])
    found = objects.batch_read(hubspot, "contacts", [one.id], ["email"], archived=True)
    assert [(r.id, r.archived) for r in found.results] == [(one.id, True)]


def test_one_record_by_key_with_history(hubspot, keyed):
    keyed.create("contacts", {KEY: "77:1&?=ü", "firstname": "A", "city": "Hobart"})
    objects.batch_upsert(hubspot, "contacts", [WriteInput("t", "77:1&?=ü", {"city": "Perth"})], KEY)
    record = objects.read_one(hubspot, "contacts", "77:1&?=ü", ["city"], KEY, properties_with_history=["city"])
    assert record.properties["city"] == "Perth"
    assert [version["value"] for version in record.history["city"]] == ["Perth", "Hobart"]


def test_merging_gives_the_survivor(hubspot, keyed):
    one, two = (keyed.create("contacts", {"email": f"{n}@x.example"}) for n in ("one", "two"))
    survivor = objects.merge(hubspot, "contacts", one.id, two.id)
    assert objects.read_one(hubspot, "contacts", one.id, []).id == survivor.id
    assert objects.read_one(hubspot, "contacts", two.id, []).id == survivor.id


def test_nothing_to_do_is_no_call(hubspot, sandbox):
    assert objects.batch_read(hubspot, "contacts", [], ["email"]) == objects.BatchResult([], [])
    assert objects.batch_update(hubspot, "contacts", []) == objects.BatchResult([], [])
    assert objects.batch_upsert(hubspot, "contacts", [], KEY) == objects.BatchResult([], [])
    assert objects.batch_create(hubspot, "contacts", []) == objects.BatchResult([], [])
    objects.batch_archive(hubspot, "contacts", [])
    assert sandbox.calls.items == []


def test_more_than_a_hundred_is_never_sent(hubspot, sandbox):
    many = [WriteInput(f"t{n}", str(n), {"city": "A"}) for n in range(101)]
    ids = [item.id for item in many]
    for call in (
        lambda: objects.batch_read(hubspot, "contacts", ids, ["email"]),
        lambda: objects.batch_update(hubspot, "contacts", many),
        lambda: objects.batch_upsert(hubspot, "contacts", many, KEY),
        lambda: objects.batch_create(hubspot, "contacts", many),
        lambda: objects.batch_archive(hubspot, "contacts", ids),
    ):
        with pytest.raises(ValueError, match="at most 100"):
            call()
    assert sandbox.calls.items == []


def test_an_upsert_that_took_effect_before_a_fault_is_repeated_without_doubling(hubspot, sandbox, keyed):
    sandbox.faults.add(Fault("POST .*/batch/upsert", times=2, status=502, body="<html>", when="after"))
    done = objects.batch_upsert(hubspot, "contacts", upserts(("one@x.example", "One")), KEY)
    assert [r.new for r in done.results] == [False]
    assert len(keyed.contacts) == 1 and sandbox.calls.count("POST", BATCH) == 3


def test_a_create_that_took_effect_before_a_fault_is_not_repeated(hubspot, sandbox, keyed):
    sandbox.faults.add(Fault("POST .*/batch/create", status=504, when="after"))
    with pytest.raises(Unavailable) as raised:
        objects.batch_create(hubspot, "contacts", [WriteInput("t", "", {"firstname": "One"})])
    assert raised.value.maybe_applied is True
    assert len(keyed.contacts) == 1 and sandbox.calls.count("POST", BATCH) == 1
    with pytest.raises(Unavailable):
        sandbox.faults.add(Fault("POST .*/merge", status=504))
        objects.merge(hubspot, "contacts", "1", "2")
    assert sandbox.calls.count("POST", "/merge") == 1


def test_what_an_earlier_try_may_have_done_is_not_forgotten(stub, make_hubspot, make_budget):
    vault = Vault(TokenSet("access", "refresh", now() + timedelta(minutes=30), HUB))
    write = [WriteInput("t", "1", {"city": "A"})]
    # The second try is refused by a limit, which alone would mean that nothing happened.
    stub.answer(Reset("after_reading"), Reply(429, headers={"Retry-After": "900"}))
    with pytest.raises(Throttled) as refused:
        objects.batch_update(make_hubspot(stub.url, vault, budget=make_budget("a")), "contacts", write)
    assert refused.value.maybe_applied is True
    # There is no second try, because our own budget is used up.
    stub.answer(Reset("after_reading"))
    small = make_budget("b", limit=1, per=60, max_wait=5)
    with pytest.raises(Unavailable) as stopped:
        objects.batch_update(make_hubspot(stub.url, vault, budget=small), "contacts", write)
    assert (stopped.value.category, stopped.value.maybe_applied) == ("ReadError", True)
    assert timedelta(seconds=50) < stopped.value.retry_at - now() <= timedelta(seconds=60)
    assert stub.left == 0 and len(stub.seen) == 3


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"results": {}}', '{"results": [{}]}', '{"results": [1]}'])
def test_an_accepted_write_with_an_odd_answer_may_have_been_applied(scripted, stub, body):
    stub.always(Reply(200, body=body))
    item = [WriteInput("t", "1", {"city": "A"})]
    for call in (
        lambda: objects.batch_create(scripted, "contacts", item),
        lambda: objects.batch_update(scripted, "contacts", item),
        lambda: objects.merge(scripted, "contacts", "1", "2"),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert raised.value.maybe_applied is True
    with pytest.raises(Unavailable) as raised:
        objects.batch_read(scripted, "contacts", ["1"], ["city"])
    assert raised.value.maybe_applied is False
