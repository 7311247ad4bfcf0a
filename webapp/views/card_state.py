"""What the card on one contact shows, built from the store alone: no call to anybody, nothing about a person's health,
no name and no address. What belongs to another account is, here, a contact that is not linked."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from jobs.mapping.catalogue_types import AppointmentStatus
from jobs.mapping.push import LABELS
from jobs.mapping.summary import Visit, last_visit, next_visit
from jobs.mapping.urls import record_url
from webapp.config import current_settings
from webapp.store import accounts, card, connections
from webapp.store.card import Asked, Linked
from webapp.store.models_account import Account, Connection
from webapp.store.settings import AccountSettings, get_settings
from webapp.views.card_account import Standing, standing_of
from webapp.views.card_types import (
    CardAnswer,
    ContactBlock,
    PatientBlock,
    Permission,
    ReviewBlock,
    SharedBlock,
    SyncBlock,
    UnlinkPreview,
    WaitBlock,
    WorkBlock,
)
from webapp.views.words import issue_words, stream_words

# How long the card hears of a request after it ended.
WORK_IS_NEWS = timedelta(minutes=10)
# A service that is away for longer than this is said to be away.
AWAY_AFTER = timedelta(seconds=30)
ACTIONS = {"patient": "push", "contact": "push", "unlink": "unlink", "sync": "sync"}
# Stored causes of reviews that the card knows by another word.
_CAUSES = {"push_candidates": "several_patients"}
_STATUSES = {status.value.lower().replace(" ", "_"): status for status in AppointmentStatus}
_decode_fields = msgspec.msgpack.Decoder(dict[str, bytes]).decode


def card_answer(hub_id: int, contact_id: str, moment: datetime) -> CardAnswer:
    """`GET /card/contacts/<contact_id>`, and what every button is answered with."""
    account = accounts.find_account(hub_id)
    connection = connections.find_connection(hub_id) if account is not None else None
    standing = standing_of(account, connection)
    answer = CardAnswer(standing.state or "not_linked", moment)
    answer.message, answer.remedy, answer.code = standing.message, standing.remedy, standing.code
    answer.actions = {name: Permission(False, standing.reason) for name in ("sync", "push", "unlink")}
    if account is None or standing.state in ("uninstalled", "not_allowed"):
        return answer
    answer.time_zone = account.time_zone
    if connection is not None:
        _fill(answer, account, connection, contact_id, standing, moment)
    return answer


def _fill(
    answer: CardAnswer, account: Account, connection: Connection, contact_id: str, standing: Standing, moment: datetime
) -> None:
    hub_id = account.hub_id
    links = card.links_of(hub_id, connection.id, contact_id)
    records = {kind: link.cliniko_id for kind, link in links.items()}
    patient, third_party = links.get("patient"), links.get("contact")
    if patient is not None:
        answer.patient = _patient(connection, contact_id, patient, moment)
    if third_party is not None:
        answer.cliniko_contact = ContactBlock(
            third_party.cliniko_id,
            record_url(connection.subdomain, connection.shard, "contacts", third_party.cliniko_id) or None,
            third_party.rule,
            third_party.synced_at,
        )
    reviews = card.reviews_about(hub_id, connection.id, contact_id, records)
    if reviews:
        cause = reviews[0][0]
        address = f"{current_settings().public_url}/review"
        answer.review = ReviewBlock(len(reviews), _CAUSES.get(cause, cause), address)
    answer.shared = _shared(connection, patient, reviews)
    answer.sync = _sync(answer, connection, contact_id, links, records)
    request = card.request_about(hub_id, contact_id, moment - WORK_IS_NEWS)
    answer.work = _work(request) if request is not None else None
    settings = get_settings(hub_id)
    if standing.state is None:
        _settle(answer, hub_id, links, request, moment)
        answer.actions = _actions(answer, links, settings)


def _settle(
    answer: CardAnswer, hub_id: int, links: Mapping[str, Linked], request: Asked | None, moment: datetime
) -> None:
    """The state of an account that works. What is under way comes first, then what is in the way, then the link."""
    if request is not None and request.state == "open":
        _under_way(answer, request, moment)
        return
    stream = "contacts" if "contact" in links and "patient" not in links else "patients"
    state, cause = card.stream_of(hub_id, stream)
    words = stream_words(cause) if state == "stopped" else None
    if words is not None:
        answer.state, answer.code = "error", cause
        answer.message, answer.remedy = words.reason[:1].upper() + words.reason[1:], words.remedy
    elif links:
        answer.state = "linked"
    elif answer.review is not None:
        answer.state = "shared_email" if answer.review.cause == "shared_email" else "review"
    else:
        answer.state = "not_linked"


def _under_way(answer: CardAnswer, request: Asked, moment: datetime) -> None:
    service, _, why = (request.held_by or "").partition("_")
    left = request.retry_at - moment
    if why == "limit" and left > timedelta(0):
        answer.state = "rate_limited"
        answer.wait = WaitBlock(service, math.ceil(left.total_seconds()))
    elif why == "away" and left > AWAY_AFTER:
        answer.state, answer.code = "error", "unavailable"
        answer.message = f"{'HubSpot' if service == 'hubspot' else 'Cliniko'} does not answer."
        answer.remedy = "It is tried again by itself."
    else:
        answer.state = "working"


def _actions(answer: CardAnswer, links: Mapping[str, Linked], settings: AccountSettings) -> dict[str, Permission]:
    if answer.state in ("rate_limited", "error"):
        return dict.fromkeys(("sync", "push", "unlink"), Permission(False))
    patient = links.get("patient")
    searched = settings.sync_patients or settings.sync_contacts
    push, reason = settings.push_enabled, "Sending to Cliniko is switched off for your clinic."
    if push and patient is not None and patient.cliniko_status != "active":
        push, reason = False, f"This patient was {patient.cliniko_status} in Cliniko and cannot be changed there."
    return {
        "sync": Permission(True)
        if links or searched
        else Permission(False, "Syncing people from Cliniko is switched off for your clinic."),
        "push": Permission(True) if push else Permission(False, reason),
        "unlink": Permission(patient is not None),
    }


def _patient(connection: Connection, contact_id: str, link: Linked, moment: datetime) -> PatientBlock:
    hub_id = connection.hub_id
    visits = [
        Visit(start, end, _STATUSES[status])
        for start, end, status in card.visit_times(hub_id, connection.id, link.cliniko_id)
        if status in _STATUSES
    ]
    upcoming, last = next_visit(visits, moment), last_visit(visits, moment)
    return PatientBlock(
        id=link.cliniko_id,
        url=record_url(connection.subdomain, connection.shard, "patients", link.cliniko_id) or None,
        status=link.cliniko_status,
        rule=link.rule,
        synced_at=link.synced_at,
        next_visit_at=upcoming.starts_at if upcoming is not None else None,
        last_visit_at=last.starts_at if last is not None else None,
        visits_known=card.stream_of(hub_id, "history")[0] == "finished",
        unlink=UnlinkPreview(_labels(link.fields), card.deals_on(hub_id, connection.id, link.cliniko_id, contact_id)),
    )


def _labels(packed: bytes | None) -> list[str]:
    """Labels of HubSpot's own properties that hold a value of ours: those an unlink could give back."""
    names = _decode_fields(packed) if packed else {}
    ours = {"company": "Company name", **LABELS}
    return [label for name, label in ours.items() if name in names and not name.startswith("cliniko_")]


def _shared(connection: Connection, patient: Linked | None, reviews: list[tuple[str, str, str]]) -> SharedBlock | None:
    """How many patients have the address: of the linked patient, or of those who wait because of this contact's."""
    if patient is not None:
        return _sharing(connection, [patient.cliniko_id]) if patient.shares else None
    return _sharing(connection, [i for cause, kind, i in reviews if (cause, kind) == ("shared_email", "patient")])


def _sharing(connection: Connection, patient_ids: list[str]) -> SharedBlock | None:
    found = [card.patients_sharing(connection.hub_id, connection.id, patient) for patient in patient_ids[:1]]
    return SharedBlock(max(found[0], len(patient_ids))) if found else None


def _sync(
    answer: CardAnswer, connection: Connection, contact_id: str, links: Mapping[str, Linked], records: Mapping[str, str]
) -> SyncBlock | None:
    """How the contact stands: an open issue, else what the last request ended with, else when it was last written."""
    hub_id = connection.hub_id
    issue = card.newest_issue(hub_id, connection.id, records)
    if issue is not None:
        words = issue_words(issue[0], issue[1])
        reason = words.reason[:1].upper() + words.reason[1:]
        return SyncBlock("Needs attention", f"{reason} {words.remedy}", issue[2])
    said = card.last_outcome(hub_id, contact_id)
    if said is not None and said.outcome is not None and not _is_over(said.outcome["status"], links, answer):
        return SyncBlock(said.outcome["status"], said.outcome["message"], said.finished_at)
    synced_at = max((link.synced_at for link in links.values() if link.synced_at is not None), default=None)
    return SyncBlock("Synced", None, synced_at) if synced_at is not None else None


def _is_over(status: str, links: Mapping[str, Linked], answer: CardAnswer) -> bool:
    """Was what a request ended with settled since, without another request?"""
    return (status == "Unlinked" and "patient" in links) or (status == "Waiting for review" and answer.review is None)


def _work(request: Asked) -> WorkBlock:
    outcome = request.outcome or {}
    if request.state == "open":
        status = "waiting" if request.started_at is None else "running"
    else:
        status = "failed" if outcome.get("failed") else "done"
    return WorkBlock(
        key=request.key,
        # What a person decided in a review is carried out like a sync.
        action=ACTIONS.get(request.what, "sync"),
        status=status,
        started_at=request.created_at,
        finished_at=request.finished_at,
        message=outcome.get("message"),
        remedy=outcome.get("remedy"),
    )
