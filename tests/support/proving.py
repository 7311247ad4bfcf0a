"""Runs a reconcile in process, with the repairs of the streams in between, and looks at both sides on its own."""

from __future__ import annotations

from collections import Counter
from typing import Any

from jobs.sync import engine, reconcile
from tests.support.clinic import Clinic
from webapp.extensions import db
from webapp.store import proofs, streams

# What no write of ours sets, or what says when it happened.
UNSTEADY = frozenset(
    {
        "hs_object_id",
        "createdate",
        "hs_createdate",
        "lastmodifieddate",
        "hs_lastmodifieddate",
        "cliniko_synced_at",
        "lifecyclestage",
        "id",
    }
)

_KEYS = (("patient", "cliniko_patient_key"), ("contact", "cliniko_contact_key"))


def prove(clinic: Clinic, most: int = 3000) -> dict[str, Any]:
    """One whole reconcile; returns its report."""
    begin(clinic)
    for _ in range(most):
        if step(clinic):
            return report(clinic)
    raise AssertionError(f"the reconcile did not come to an end in {most} executions")


def begin(clinic: Clinic) -> None:
    """Make the row of the reconcile, as the night does."""
    streams.ensure_streams(clinic.hub_id, [reconcile.STREAM])


def step(clinic: Clinic) -> bool:
    """One execution, or the repairs that it waits for. True when the proof is complete."""
    result = engine.run_execution(clinic.hub_id, reconcile.STREAM)
    clinic.results.append(result)
    assert result.outcome in ("more", "done", "waiting"), result
    if result.outcome == "waiting":
        wanted = reconcile.wait_for(clinic.hub_id)
        assert wanted, result
        repair(clinic, wanted)
    return result.outcome == "done"


def repair(clinic: Clinic, names: list[str]) -> None:
    """The streams do what was queued for them."""
    for name, result in clinic.cycle(*names).items():
        assert result.outcome == "done", (name, result)


def report(clinic: Clinic) -> dict[str, Any]:
    """The report of the newest complete proof."""
    db.session.rollback()
    proof = proofs.last(clinic.hub_id)
    assert proof is not None
    return proof.report


def both_sides(clinic: Clinic) -> dict[str, dict[str, Any]]:
    """Everything of ours at HubSpot, by our keys: what a repair has to bring back. Who of several people with one
    address has it may depend on who was first, so of those it is left out."""
    contacts = clinic.contacts()
    addresses = Counter(p["cliniko_email"].lower() for p in contacts.values() if p.get("cliniko_email"))
    found: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for contact_id, properties in contacts.items():
        marks = [f"{kind}:{properties[name]}" for kind, name in _KEYS if properties.get(name)]
        names[contact_id] = "+".join(marks) or f"contact {contact_id}"
        if marks:
            shared = addresses[properties.get("cliniko_email", "").lower()] > 1
            left_out = {"email", "cliniko_shared_email"} if shared else set()
            found[names[contact_id]] = {n: v for n, v in steady(properties).items() if n not in left_out}
    for key, deal in clinic.deals().items():
        people = sorted(names.get(contact, contact) for contact in clinic.contacts_of_deal(deal["id"]))
        found[f"deal:{key}"] = {**steady(deal), "contacts": people}
    return found


def differences(ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """{key: {property: (ours, theirs)}} where two pictures differ."""
    found: dict[str, dict[str, Any]] = {}
    for key in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(key, {}), theirs.get(key, {})
        names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        if names:
            found[key] = {name: (one.get(name), other.get(name)) for name in names}
    return found


def steady(properties: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in properties.items() if name not in UNSTEADY and value != ""}
