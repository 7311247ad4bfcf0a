"""Compares appointments and invoices with their deals. It shares no line with the sync, like that of patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from webapp.demo import reading

PROPERTIES = (
    "cliniko_key",
    "pipeline",
    "dealstage",
    "amount",
    "hubspot_owner_id",
    "cliniko_case_id",
)
_STAGES = {
    "cliniko_appt_booked": "booked",
    "cliniko_appt_arrived": "arrived",
    "cliniko_appt_did_not_arrive": "did not arrive",
    "cliniko_appt_cancelled": "cancelled",
    "cliniko_inv_open": "open",
    "cliniko_inv_paid": "paid",
    "cliniko_inv_closed": "closed",
    "cliniko_inv_open_credit": "open credit",
}
_INVOICE_STAGES = {10: "open", 20: "paid", 30: "closed", 40: "open credit"}


@dataclass
class DealVerdict:
    """Stages are words → deals. `total` are the invoices in HubSpot, `expected` the same invoices in Cliniko."""

    appointments: Counter[str] = field(default_factory=Counter)
    invoices: Counter[str] = field(default_factory=Counter)
    owned: int = 0
    priced: int = 0
    with_case: int = 0
    with_contact: int = 0
    total: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    wrong: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "appointments": dict(self.appointments),
            "invoices": dict(self.invoices),
            "with_owner": self.owned,
            "with_amount": self.priced,
            "with_case": self.with_case,
            "with_contact": self.with_contact,
            "invoice_total_hubspot": str(self.total),
            "invoice_total_cliniko": str(self.expected),
            "wrong": self.wrong,
        }


def compare(
    deals: Sequence[Mapping[str, Any]],
    invoices: Mapping[str, Mapping[str, Any]],
    patients_of: Mapping[str, str],
    keys: Mapping[str, str],
) -> DealVerdict:
    """`patients_of` is {what a key names, such as `invoice:12`: patient}, `keys` is {contact: patient}."""
    verdict = DealVerdict()
    seen: set[str] = set()
    for deal in deals:
        key = str(deal["cliniko_key"])
        if key in seen:
            verdict.wrong.append(f"Two deals carry the key {key}.")
        seen.add(key)
        what = key.partition(":")[2]
        stage = _STAGES.get(str(deal["dealstage"]), "elsewhere")
        kind, _, record_id = what.partition(":")
        (verdict.invoices if kind == "invoice" else verdict.appointments)[stage] += 1
        verdict.owned += bool(deal["hubspot_owner_id"])
        verdict.with_case += bool(deal["cliniko_case_id"])
        _contact(deal, what, patients_of, keys, verdict)
        if kind == "invoice":
            _invoice(deal, stage, invoices.get(record_id), verdict)
        else:
            verdict.priced += bool(deal["amount"])
    return verdict


def _contact(
    deal: Mapping[str, Any],
    what: str,
    patients_of: Mapping[str, str],
    keys: Mapping[str, str],
    verdict: DealVerdict,
) -> None:
    """The deal is with its patient's contact and with nobody else's."""
    patient = patients_of.get(what)
    theirs = {keys[contact] for contact in deal["contacts"] if contact in keys}
    verdict.with_contact += bool(theirs)
    if patient is not None and theirs and theirs != {patient}:
        verdict.wrong.append(f"Deal {deal['id']} is with another patient's contact.")


def _invoice(deal: Mapping[str, Any], stage: str, invoice: Mapping[str, Any] | None, verdict: DealVerdict) -> None:
    if invoice is None:
        verdict.wrong.append(f"Deal {deal['id']} is of an invoice that Cliniko has not.")
        return
    removed = bool(invoice.get("archived_at") or invoice.get("deleted_at"))
    amount = Decimal(0) if removed else Decimal(str(invoice.get("total_amount") or "0"))
    shown = Decimal(str(deal["amount"] or "0"))
    verdict.total += shown
    verdict.expected += amount
    if shown != amount:
        verdict.wrong.append(f"Deal {deal['id']} has the amount {shown}, its invoice {amount}.")
    if stage != ("closed" if removed else _INVOICE_STAGES.get(int(invoice["status"]), stage)):
        verdict.wrong.append(f"Deal {deal['id']} is in the stage {stage}, its invoice is not.")


def read_deals(url: str, token: str) -> list[dict[str, Any]]:
    """Every deal with our key: its id, the properties above, and its contacts."""
    return [deal for deal in _deals(url, token) if deal["cliniko_key"]]


def _deals(url: str, token: str) -> Iterator[dict[str, Any]]:
    for row in reading.hubspot_list(url, token, "deals", PROPERTIES, associations="contacts"):
        linked = row.get("associations", {}).get("contacts", {}).get("results", [])
        yield {
            "id": row["id"],
            "contacts": sorted({str(item["id"]) for item in linked}),
            **{name: row["properties"].get(name) or "" for name in PROPERTIES},
        }


def read_invoices(url: str, key: str) -> dict[str, dict[str, Any]]:
    """{id: invoice}, removed ones too."""
    hidden = ("archived_at", "deleted_at")
    return {str(row["id"]): row for row in reading.cliniko_list(url, key, "invoices", hidden)}


def patients_behind(url: str, key: str, invoices: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """{`invoice:12`, `individual_appointment:7` or `attendee:9`: patient}."""
    found = {f"invoice:{i}": _patient(row) for i, row in invoices.items()}
    hidden = ("archived_at", "cancelled_at", "deleted_at")
    for name, kind in (("individual_appointments", "individual_appointment"), ("attendees", "attendee")):
        for row in reading.cliniko_list(url, key, name, hidden):
            found[f"{kind}:{row['id']}"] = _patient(row)
    return {what: patient for what, patient in found.items() if patient}


def _patient(row: Mapping[str, Any]) -> str:
    link = (row.get("patient") or {}).get("links") or {}
    return str(link.get("self", "")).rstrip("/").rpartition("/")[2]
