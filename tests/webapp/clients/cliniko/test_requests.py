"""What goes to Cliniko on the wire, and what is made of its lists."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.http_stub import Reply, serving
from tests.webapp.clients.conftest import CLINIKO_KEY
from webapp.clients.cliniko import filters, resources
from webapp.clients.cliniko.records import Patient
from webapp.clients.errors import NotFound, OurFault, Unavailable
from webapp.clock import now


def listing(*ids: object, link: str | None = None, **more: object) -> Reply:
    links = {"self": "http://x/v1/patients", **({"next": link} if link else {})}
    body = {"patients": [{"id": str(i), "first_name": "A"} for i in ids], "total_entries": len(ids), "links": links}
    return Reply(json={**body, **more})


def test_the_key_is_the_user_name_and_the_app_says_who_it_is(stub, cliniko):
    stub.answer(listing("1"))
    resources.list_patients(cliniko)
    sent = stub.seen[0]
    assert sent.headers["authorization"] == "Basic " + base64.b64encode(f"{CLINIKO_KEY}:".encode()).decode()
    assert sent.headers["user-agent"] == "CRMConnect (ops@example.com)"
    assert sent.headers["accept"] == "application/json"
    assert CLINIKO_KEY not in sent.target


def test_a_key_without_a_shard_is_sent_whole_too(stub, make_cliniko):
    stub.answer(listing())
    resources.list_patients(make_cliniko("an-old-key-of-2015"))
    assert base64.b64decode(stub.seen[0].headers["authorization"].split()[1]) == b"an-old-key-of-2015:"


def test_conditions_are_sent_one_by_one_and_encoded(stub, cliniko):
    stub.answer(listing())
    moment = datetime(2026, 11, 23, 15, 4, 5, 999, tzinfo=timezone(timedelta(hours=11)))
    q = [
        filters.since("updated_at", moment),
        filters.reveal("archived_at"),
        filters.after_id("836447129235883061"),
        filters.equals("email", "o'neil+100%&x=1#@clinic.example"),
        filters.equals("last_name", "Müller Ng"),
        filters.id_in(["1", "22"], "patient_id"),
    ]
    resources.list_patients(cliniko, q=q)
    sent = stub.seen[0]
    assert sent.conditions == [
        "updated_at:>=2026-11-23T04:04:05Z",
        "archived_at:*",
        "id:>836447129235883061",
        "email:=o'neil+100%&x=1#@clinic.example",
        "last_name:=Müller Ng",
        "patient_id:=1,22",
    ]
    assert sent.raw_query.count("q%5B%5D=") == 6
    assert not set("[]<>#\"' ") & set(sent.raw_query)
    assert "%2B100%25%26x%3D1%23%40" in sent.raw_query


def test_page_size_sort_and_page_are_always_said(stub, cliniko):
    stub.answer(listing(), listing())
    resources.list_patients(cliniko, page=3, per_page=7, sort="created_at:asc,id:asc")
    cliniko.page("/patients", "patients", Patient, sort=None)
    assert dict(stub.seen[0].query) == {"page": "3", "per_page": "7", "sort": "created_at:asc,id:asc"}
    assert dict(stub.seen[1].query) == {"page": "1", "per_page": "100"}


@pytest.mark.parametrize(("per_page", "page"), [(0, 1), (101, 1), (-1, 1), (50, 0), (50, -3)])
def test_a_page_that_cliniko_does_not_offer_is_never_asked_for(stub, cliniko, per_page, page):
    with pytest.raises(ValueError):
        resources.list_patients(cliniko, per_page=per_page, page=page)
    assert stub.seen == []


@pytest.mark.parametrize("path", ["patients", "//evil.example/x", "/x?page=1", "/x#y", "/x\\y", "/x@evil.example", ""])
def test_a_path_cannot_change_the_address(stub, cliniko, path):
    with pytest.raises(ValueError):
        cliniko.get(path, None, Patient)
    assert stub.seen == []


@pytest.mark.parametrize("record_id", ["", "1/archive", "../user", "1?x", "x", "١", "1 "])
def test_an_id_that_is_none_is_never_sent(stub, cliniko, record_id):
    for call in (
        lambda: resources.get_patient(cliniko, record_id),
        lambda: resources.get_contact(cliniko, record_id),
        lambda: resources.update_patient(cliniko, record_id, {}),
        lambda: resources.update_contact(cliniko, record_id, {}),
        lambda: filters.after_id(record_id),
        lambda: filters.id_in(["1", record_id]),
    ):
        with pytest.raises(ValueError):
            call()
    assert stub.seen == []


@pytest.mark.parametrize("count", [0, 51])
def test_ids_are_asked_for_fifty_at_a_time(count):
    with pytest.raises(ValueError):
        filters.id_in(["1"] * count)
    with pytest.raises(ValueError):
        filters.since("updated_at", datetime(2026, 1, 1))  # noqa: DTZ001 - a time without a zone is the point


def test_pages_are_followed_by_number_until_there_is_no_next(stub, cliniko):
    stub.answer(
        listing("1", "2", link=f"{stub.url}/v1/patients?page=2&per_page=100&q%5B%5D=archived_at%3A%2A"),
        listing("3", link=f"{stub.url}/v1/patients?q%5B%5D=id%3A%3E1&page=3"),
        listing("4"),
    )
    ids, page = [], 1
    while page:
        found = resources.list_patients(cliniko, page=page)
        ids += [patient.id for patient in found.records]
        page = found.next_page
    assert ids == ["1", "2", "3", "4"]
    assert [dict(sent.query)["page"] for sent in stub.seen] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1/patients?page=2",
        "http://127.0.0.1:1/v1/patients?page=2",
        "//evil.example/v1/patients?page=2",
        "{base}@evil.example/v1/patients?page=2",
        "{base}.evil.example/v1/patients?page=2",
        "http://user@{host}/v1/patients?page=2",
        "https://{host}/v1/patients?page=2",
        "http://[::1/v1?page=2",
        "/v1/patients?page=2",
        17,
    ],
)
def test_a_link_to_another_host_is_refused(stub, cliniko, link):
    if isinstance(link, str):
        link = link.replace("{base}", stub.url).replace("{host}", stub.url.removeprefix("http://"))
    stub.answer(listing("1", link=link))
    with pytest.raises(OurFault) as raised:
        resources.list_patients(cliniko)
    assert raised.value.category == "foreign_link"
    assert len(stub.seen) == 1


@pytest.mark.parametrize("query", ["", "?page=", "?page=x", "?page=1", "?page=0", "?page=-2", "?page=٢"])
def test_a_next_link_that_leads_nowhere_new_ends_no_walk_by_silence(stub, cliniko, query):
    stub.answer(listing("1", link=f"{stub.url}/v1/patients{query}"))
    with pytest.raises(Unavailable) as raised:
        resources.list_patients(cliniko)
    assert raised.value.category == "unexpected_next_link"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(stub, cliniko, status):
    with serving() as elsewhere:
        stub.answer(Reply(status, headers={"Location": f"{elsewhere.url}/v1/patients"}))
        with pytest.raises(OurFault) as raised:
            resources.list_patients(cliniko)
        assert raised.value.status == status
        assert elsewhere.seen == []
    assert len(stub.seen) == 1


@pytest.mark.parametrize("body", [[], "text", None, {}, {"patients": None}, {"patients": {}}, {"contacts": []}])
def test_a_list_without_its_array_is_a_failure_not_an_empty_list(stub, cliniko, body):
    stub.always(Reply(body="null") if body is None else Reply(json=body))
    with pytest.raises(Unavailable) as raised:
        resources.list_patients(cliniko)
    assert raised.value.category == "unexpected_shape"


@pytest.mark.parametrize(
    ("more", "total"),
    [
        ({"total_entries": 230}, 230),
        ({"total_entries": "230"}, 230),
        ({"total_entries": None}, None),
        ({"total_entries": "many"}, None),
        ({"total_entries": -1}, None),
    ],
)
def test_the_total_is_read_leniently(stub, cliniko, more, total):
    stub.answer(listing("1", **more))
    assert resources.list_patients(cliniko).total == total


def test_the_misspelt_total_of_old_answers(stub, cliniko):
    stub.answer(Reply(json={"patients": [], "total_entires": 230}), Reply(json={"patients": []}))
    assert resources.list_patients(cliniko).total == 230
    assert resources.list_patients(cliniko).total is None


def test_the_time_of_an_answer_is_the_servers(stub, cliniko):
    stub.answer(Reply(json={"patients": []}, headers={"Date": "Mon, 23 Nov 2026 03:59:58 GMT"}))
    assert resources.list_patients(cliniko).server_time == datetime(2026, 11, 23, 3, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "yesterday", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_without_a_time_of_the_server_ours_less_a_minute_stands_in(stub, cliniko, value):
    stub.answer(Reply(json={"patients": []}, headers={"Date": value}))
    assert timedelta(seconds=59) < now() - resources.list_patients(cliniko).server_time < timedelta(seconds=65)


def test_a_server_far_ahead_of_us_does_not_move_a_window_into_the_future(stub, cliniko):
    stub.answer(Reply(json={"patients": []}, headers={"Date": "Sun, 23 Nov 2036 04:00:00 GMT"}))
    assert resources.list_patients(cliniko).server_time <= now() + timedelta(minutes=5)


def test_a_hidden_patient_is_found_by_asking_again_with_the_reveal(stub, cliniko):
    stub.answer(Reply(404, body="Not Found"), Reply(json={"id": 7, "archived_at": "2026-01-02T03:04:05Z"}))
    found = resources.get_patient(cliniko, "7")
    assert (found.id, found.archived_at) == ("7", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert [sent.conditions for sent in stub.seen] == [[], ["archived_at:*"]]
    stub.answer(Reply(404), Reply(404))
    with pytest.raises(NotFound):
        resources.get_contact(cliniko, "8")
    assert stub.seen[-1].conditions == ["archived_at:*", "deleted_at:*"]
