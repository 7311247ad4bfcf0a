"""A patient's referral source: a record of its own, whose note is the text shown on the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from webapp.sandbox.cliniko import bodies
from webapp.sandbox.cliniko.checks import NOT_LISTED, Errors
from webapp.sandbox.cliniko.errors import BLANK, invalid, not_found
from webapp.sandbox.cliniko.table import Row

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

_OTHER = "Other"


def of_patient(account: ClinikoAccount, patient_id: str) -> Row:
    """Raises the 404 when none is recorded."""
    found = account.tables["referral_sources"].rows("patient_id", patient_id)
    if not found:
        raise not_found()
    return found[0]


def write_text(account: ClinikoAccount, patient_id: str, text: str) -> None:
    """Writing the patient's text changes the source's note; without a source the type becomes "Other"."""
    found = account.tables["referral_sources"].rows("patient_id", patient_id)
    if found:
        account.edit("referral_sources", found[0]["id"], notes=text)
    elif text:
        values = {"patient_id": patient_id, "referral_source_type_id": _other_type(account), "notes": text}
        account.put("referral_sources", values)


def _other_type(account: ClinikoAccount) -> str:
    for row in account.tables["referral_source_types"].values():
        if row.get("name") == _OTHER:
            return str(row["id"])
    return str(account.put("referral_source_types", {"name": _OTHER})["id"])


def write(account: ClinikoAccount, patient_id: str, sent: Mapping[str, Any]) -> Row:
    """Change or create the source. Raises the 422."""
    errors = Errors()
    values = bodies.REFERRAL.collect(account, sent, errors, creating=False)
    found = account.tables["referral_sources"].rows("patient_id", patient_id)
    row: Row = found[0] if found else {"patient_id": patient_id}
    type_id = values.get("referral_source_type_id", row.get("referral_source_type_id"))
    kind = account.tables["referral_source_types"].get(int(type_id or 0))
    if kind is None:
        errors.setdefault("referral_source_type", BLANK)
        raise invalid(errors)
    if type_id != row.get("referral_source_type_id"):
        values = {"subcategory": None, "referrer": None, **values}
    if values.get("subcategory") and values["subcategory"] not in (kind.get("subcategories") or []):
        errors["subcategory"] = NOT_LISTED
    if "referrer_id" in values:
        values["referrer"] = _referrer(account, kind, values.pop("referrer_id"), errors)
    if errors:
        raise invalid(errors)
    if found:
        account.edit("referral_sources", row["id"], **values)
    else:
        row = account.put("referral_sources", {**row, **values})
    text = row.get("notes") or ""
    account.edit("patients", patient_id, touch=account.switches.touch_patient_on_referral, referral_source=text)
    return row


def _referrer(account: ClinikoAccount, kind: Row, sent: str | None, errors: Errors) -> dict[str, str] | None:
    """Who referred: a patient or a contact, by the type of the source."""
    if not sent:
        return None
    table = {"Patient": "patients", "Contact": "contacts"}.get(kind.get("referrer_type") or "")
    if table is None or not sent.isdigit() or int(sent) not in account.tables[table]:
        errors["referrer"] = "must exist"
        return None
    return {"type": str(kind["referrer_type"]), "id": sent}
