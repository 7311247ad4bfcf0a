"""Contacts that a HubSpot account holds before the app is installed, so that each matching rule has something to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLAIN_ADDRESS = re.compile(r"[a-z0-9._-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}")
_PLAIN_NAME = re.compile(r"[A-Za-z]+([ '-][A-Za-z]+)*")
_STRANGERS = 15


@dataclass(frozen=True)
class Before:
    """The contacts to create, by what the rules will make of them."""

    same_person: list[dict[str, str]]
    nameless: list[dict[str, str]]
    families: list[dict[str, str]]
    leads: list[dict[str, str]]
    strangers: list[dict[str, str]]

    @property
    def contacts(self) -> list[dict[str, str]]:
        return [*self.same_person, *self.nameless, *self.families, *self.leads, *self.strangers]


def choose(patients: Sequence[Mapping[str, Any]]) -> Before:
    """Take some patients as people whom HubSpot knows already; the same patients give the same choice."""
    here = [patient for patient in patients if not patient.get("archived_at") and _address(patient)]
    shared = Counter(_address(patient) for patient in patients)
    alone = [patient for patient in here if shared[_address(patient)] == 1 and _plainly_named(patient)]
    number = len(alone)
    same = alone[: min(50, -(-number // 20))]
    rest = alone[len(same) :]
    nameless = rest[: min(20, -(-number // 50))]
    leads = rest[len(nameless) :][:2]
    addresses = list(dict.fromkeys(_address(patient) for patient in here if shared[_address(patient)] > 1))[:3]
    surnames = {_address(patient): patient["last_name"] for patient in here}
    return Before(
        # Typed by somebody else, in capitals: it is the same person all the same.
        same_person=[
            {"firstname": p["first_name"].upper(), "lastname": p["last_name"].upper(), "email": _address(p)}
            for p in same
        ],
        nameless=[{"email": _address(p)} for p in nameless],
        # A relative who books for the family and is no patient.
        families=[{"firstname": "Robin", "lastname": surnames[a].strip(), "email": a} for a in addresses],
        leads=[{"firstname": p["first_name"].strip(), "email": _address(p)} for p in leads],
        strangers=[
            {"firstname": "Visitor", "lastname": f"Number {n}", "email": f"visitor{n}@elsewhere.example"}
            for n in range(1, _STRANGERS + 1)
        ],
    )


def _plainly_named(patient: Mapping[str, Any]) -> bool:
    return all(_PLAIN_NAME.fullmatch(patient[name]) for name in ("first_name", "last_name"))


def _address(patient: Mapping[str, Any]) -> str:
    address = (patient.get("email") or "").strip().lower()
    return address if _PLAIN_ADDRESS.fullmatch(address) else ""
