"""What Cliniko's documentation prints comes out of the simulated API as it was printed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import Client

from webapp.clients.cliniko import decode
from webapp.clients.cliniko.records import Contact, Patient, Practitioner, ReferralSource, ReferralSourceType, User
from webapp.sandbox.cliniko import ClinikoAccount, ClinikoSandbox
from webapp.sandbox.cliniko.clinic import make_clinic
from webapp.sandbox.cliniko.examples import OFFSET, Example, examples, load_examples, printed_settings, stored

AGENT = {"User-Agent": "Test (test@example.com)"}
EVERY = list(examples())
REVEALS = ("archived_at", "deleted_at", "cancelled_at")
HOST = re.compile(r"https?://[^/]+/v1")

# Where the documentation contradicts itself.
CONTRADICTIONS: dict[str, list[tuple[str, Any]]] = {
    "individual_appointments": [("patient_name", "Joe Monahan")],  # of patient 1 too, who is Peter Patientman
    "concession_prices": [("links", {"self": ""})],
    "practitioners": [
        (name, e.record[name])
        for e in EVERY
        if e.id == "3" and e.resource == "practitioners"
        for name in ("appointments", "invoices")  # links of another practitioner
    ],
}


class Api:
    """Calls the simulated API with an administrator's key."""

    def __init__(self) -> None:
        self.sandbox = ClinikoSandbox(limits_on=False)
        self.account: ClinikoAccount = self.sandbox.add_account()
        self.loaded = load_examples(self.account)
        self._auth = (self.sandbox.add_key(self.account, "1"), "")
        self._client = Client(self.sandbox.app)

    def get(self, path: str) -> tuple[int, Any]:
        answer = self._client.get(f"/v1{path}", auth=self._auth, headers=AGENT)
        return answer.status_code, answer.json if answer.is_json else None

    def one(self, example: Example) -> Any:
        """The record by itself where the API offers that, else out of its list."""
        listed = "bookings" if example.listed == "bookings" else example.resource
        filters = "&".join(f"q[]={name}:*" for name in _reveals(listed))
        if listed == "referral_sources":
            status, body = self.get("/referral_sources?per_page=100")
            assert status == 200
            return next(record for record in body[listed] if record["id"] == example.id)
        status, body = self.get(f"/{listed}/{example.id}?{filters}")
        assert status == 200, (listed, example.id, status, body)
        return body


def _reveals(listed: str) -> tuple[str, ...]:
    from webapp.sandbox.cliniko.resources import RESOURCES

    return tuple(name for name in REVEALS if name in RESOURCES[listed].filters)


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


def shown(value: Any, moved: Example | None = None) -> Any:
    """The value as the present API shows it: null for blank, paths without a host, with the id the record got here."""
    if value == "":
        return None
    if isinstance(value, Mapping):
        return {name: shown(item, moved) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item, moved) for item in value]
    if isinstance(value, str) and HOST.match(value):
        path = HOST.sub("", value)
        return path if moved is None else re.sub(rf"(/|:=){moved.printed_id}(?=[/?]|$)", rf"\g<1>{moved.id}", path)
    return value


def missing_from(printed: Any, answered: Any) -> bool:
    """Does the answer lack something that was printed? It may hold more."""
    if isinstance(printed, dict):
        return not isinstance(answered, dict) or any(missing_from(v, answered.get(k)) for k, v in printed.items())
    if isinstance(printed, list):
        return len(printed) != len(answered or []) or any(map(missing_from, printed, answered))
    return printed != answered


@pytest.mark.parametrize("example", EVERY, ids=[f"{e.listed}-{e.id}" for e in EVERY])
def test_a_printed_record_comes_out_as_printed(api: Api, example: Example) -> None:
    answered = api.one(example)
    assert answered["id"] == example.id
    # Relations keep the id they were printed with; what belongs to the record itself moved along with it.
    own = {"patient"} if example.resource == "referral_sources" else set()
    relations = {name for name in example.record if f"{name}_id" in stored(example)} - own
    differing = {}
    for name, value in example.record.items():
        if name == "id" or (name, value) in CONTRADICTIONS.get(example.resource, []):
            continue
        if name in ("patient_ids", "attendee_ids"):
            value = [str(item) for item in value]
        printed = shown(value, None if name in relations else example)
        if missing_from(printed, shown(answered.get(name))):
            differing[name] = (printed, answered.get(name))
    if example.record.get("label") is None:
        differing.pop("label", None)  # the print is silent, the API makes it from the names
    assert not differing


def test_further_states_of_one_record_are_kept_apart(api: Api) -> None:
    ids = Counter((example.resource, example.id) for example in EVERY)
    assert set(ids.values()) == {1}
    peter = api.account.get("patients", 1)
    assert peter["first_name"] == "Peter"
    assert peter["concession_type_id"] == "123"
    assert peter["archived_at"] is None
    others = [api.account.get("patients", 1 + n * OFFSET) for n in range(1, 7)]
    assert all(others)
    merged = next(row for row in others if row.get("merged_with_patient_id"))
    assert merged["merged_with_patient_id"] == "1001"
    assert api.account.get("patients", 1001) is None, "printed nowhere, so it stays missing"
    bookings = [int(e.id) for e in EVERY if e.resource in ("individual_appointments", "group_appointments")]
    assert len(bookings) == len(set(bookings))


def test_rows_hold_no_links_and_no_numbers_for_ids(api: Api) -> None:
    for table, ids in api.loaded.items():
        for number in ids:
            row = api.account.get(table, number)
            assert row is not None
            for name, value in row.items():
                assert not (isinstance(value, dict) and "links" in value), (table, name)
                if name == "id" or (name.endswith("_id") and value is not None):
                    assert isinstance(value, str), (table, name)


def test_every_record_of_a_person_can_be_read_by_the_client(api: Api) -> None:
    kinds = {
        "patients": Patient,
        "contacts": Contact,
        "practitioners": Practitioner,
        "users": User,
        "referral_sources": ReferralSource,
        "referral_source_types": ReferralSourceType,
    }
    for resource, kind in kinds.items():
        printed = [dict(e.record) for e in EVERY if e.resource == resource and "id" in e.record]
        answered = [api.one(e) for e in EVERY if e.resource == resource]
        assert printed
        for records in (printed, answered):
            read, bad = decode.read_all(kind, records)
            assert not bad
            assert len(read) == len(records)


def test_inactive_practitioners_are_told_by_where_they_were_printed(api: Api) -> None:
    assert [p["id"] for p in api.get("/practitioners")[1]["practitioners"]] == ["514810972972521916"]
    assert [p["id"] for p in api.get("/practitioners/inactive")[1]["practitioners"]] == ["3"]


def test_the_printed_settings_come_out_as_printed() -> None:
    sandbox = ClinikoSandbox(limits_on=False)
    account = sandbox.add_account()
    load_examples(account, with_settings=True)
    key = sandbox.add_key(account, "1")
    answered = Client(sandbox.app).get("/v1/settings", auth=(key, ""), headers=AGENT).json
    assert not missing_from(printed_settings(), answered)
    assert answered["account"]["id"] == "123"


def test_examples_are_never_written_over_other_records() -> None:
    account = ClinikoAccount(id="9")
    load_examples(account)
    with pytest.raises(ValueError, match="first"):
        load_examples(account)
    before = {name: dict(table) for name, table in account.tables.items()}
    make_clinic(account, patients=200, now=datetime(2026, 11, 24, tzinfo=UTC))
    for name, rows in before.items():
        for number, row in rows.items():
            assert account.get(name, number) == row, "a clinic made afterwards takes other ids"
