"""Compares every patient with its contact. Written anew from the published rules, so that it shares no mistake with the
sync: it knows nothing of our mapping, our database or our clients."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What HubSpot takes as an address: words joined by single dots, an @, a host with a top domain.
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_WORD}(\.{_WORD})*@([A-Za-z0-9-]+\.)+[A-Za-z]{{2,63}}")


@dataclass
class Verdict:
    """`missing`, `doubled`, `mixed`, `changed` (the clinic's own contacts) and `wrong` hold one sentence per case.

    `by_names` and `by_email` count patients whose contact was there before, with a name and without one; `shared` those
    whose address another contact holds; `left_out` those who are gone from Cliniko and never had a contact."""

    compared: int = 0
    by_names: int = 0
    by_email: int = 0
    shared: int = 0
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    @property
    def serious(self) -> list[str]:
        """What must never be, whatever people changed in HubSpot since."""
        return [*self.doubled, *self.mixed]

    @property
    def everything(self) -> list[str]:
        return [*self.serious, *self.missing, *self.wrong, *self.changed]


def compare(
    account_id: str,
    patients: Sequence[Mapping[str, Any]],
    contacts: Sequence[Mapping[str, Any]],
    before: Mapping[str, Mapping[str, str]],
) -> Verdict:
    """`before` are the contacts that HubSpot held before the install: id -> names and email."""
    verdict = Verdict()
    own = _by_key(account_id, contacts, verdict)
    holders = {address: contact for contact in contacts for address in _addresses(contact)}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for patient in patients:
        if not _gone(patient):
            groups.setdefault(_address(patient), []).append(patient)
    for patient in patients:
        contact = own.pop(str(patient["id"]), None)
        if contact is not None:
            _count(contact, before, verdict)
            _names(patient, contact, verdict)
            if not _gone(patient):
                _email(patient, contact, holders, groups[_address(patient)], before, verdict)
        elif _gone(patient):
            verdict.left_out += 1
        else:
            verdict.missing.append(f"Patient {patient['id']} has no contact.")
    verdict.wrong += [
        f"Contact {c['id']} carries the key of patient {i}, whom Cliniko has not." for i, c in own.items()
    ]
    _untouched(contacts, before, verdict)
    return verdict


def _by_key(account_id: str, contacts: Sequence[Mapping[str, Any]], verdict: Verdict) -> dict[str, Mapping[str, Any]]:
    """{patient id: the contact that carries its key}."""
    found: dict[str, Mapping[str, Any]] = {}
    for contact in contacts:
        account, _, patient_id = contact["cliniko_patient_key"].partition(":")
        if account != account_id:
            continue
        if patient_id in found:
            verdict.doubled.append(f"Patient {patient_id} has contacts {found[patient_id]['id']} and {contact['id']}.")
        found[patient_id] = contact
    return found


def _names(patient: Mapping[str, Any], contact: Mapping[str, Any], verdict: Verdict) -> None:
    differs = [
        mine
        for mine, theirs in (("first_name", "firstname"), ("last_name", "lastname"))
        if _plain(patient.get(mine)) != _plain(contact[theirs])
    ]
    if len(differs) == 2:
        verdict.mixed.append(f"Contact {contact['id']} of patient {patient['id']} carries another person's names.")
    elif differs:
        verdict.wrong.append(f"Contact {contact['id']} of patient {patient['id']} differs in {differs[0]}.")


def _email(
    patient: Mapping[str, Any],
    contact: Mapping[str, Any],
    holders: Mapping[str, Mapping[str, Any]],
    family: Sequence[Mapping[str, Any]],
    before: Mapping[str, Mapping[str, str]],
    verdict: Verdict,
) -> None:
    """The address is on the contact, or is kept apart because another contact holds it; nobody else's is on it."""
    who, address, shown = (
        f"Contact {contact['id']} of patient {patient['id']}",
        _address(patient),
        contact["email"].lower(),
    )
    if not address or not _ADDRESS.fullmatch(address):
        if shown and contact["id"] not in before:
            verdict.wrong.append(f"{who} has an address that is not the patient's.")
        return
    holder = holders.get(address)
    if holder is not None and holder["id"] == contact["id"]:
        # Of several people with one address, the one known longest has it, unless HubSpot held it before.
        first = min(int(other["id"]) for other in family)
        if int(patient["id"]) != first and contact["id"] not in before:
            verdict.wrong.append(f"{who} holds an address that belongs to patient {first}.")
        return
    verdict.shared += 1
    apart = not shown and contact["cliniko_shared_email"] == "true" and contact["cliniko_email"].lower() == address
    if holder is None or not apart:
        verdict.wrong.append(f"{who} has neither the patient's address nor the note that it is shared.")


def _untouched(
    contacts: Sequence[Mapping[str, Any]], before: Mapping[str, Mapping[str, str]], verdict: Verdict
) -> None:
    """What was in HubSpot before and belongs to no patient is as it was."""
    here = {contact["id"]: contact for contact in contacts}
    for contact_id, values in before.items():
        contact = here.get(contact_id)
        if contact is None:
            verdict.changed.append(f"Contact {contact_id}, which was there before, is gone.")
        elif not contact["cliniko_patient_key"] and any(contact[name] != value for name, value in values.items()):
            verdict.changed.append(f"Contact {contact_id}, which belongs to no patient, was changed.")


def _gone(patient: Mapping[str, Any]) -> bool:
    """Archived, deleted or merged into another one."""
    return any(patient.get(name) for name in ("archived_at", "deleted_at", "merged_at"))


def _count(contact: Mapping[str, Any], before: Mapping[str, Mapping[str, str]], verdict: Verdict) -> None:
    verdict.compared += 1
    known = before.get(contact["id"])
    if known is not None:
        if known["firstname"] or known["lastname"]:
            verdict.by_names += 1
        else:
            verdict.by_email += 1


def _address(patient: Mapping[str, Any]) -> str:
    return (patient.get("email") or "").strip().lower()


def _addresses(contact: Mapping[str, Any]) -> list[str]:
    every = [contact["email"], *contact["hs_additional_emails"].split(";")]
    return [address.strip().lower() for address in every if address.strip()]


def _plain(text: str | None) -> str:
    """Without what nobody sees: blanks around and between, line breaks, marks of writing direction."""
    seen = (character for character in text or "" if unicodedata.category(character) != "Cf")
    return " ".join("".join(seen).split())
