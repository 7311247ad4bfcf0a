"""Which resources a user's role may see. Cliniko publishes roles in words only; this is the strict reading of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.model import ClinikoAccount

_FINANCIAL = frozenset({"invoices", "invoice_items"})
_CLINIC = frozenset(
    {
        "patients",
        "contacts",
        "individual_appointments",
        "group_appointments",
        "bookings",
        "attendees",
        "patient_cases",
        "referral_sources",
        "referral_source_types",
    }
)
_ADMINISTRATION = frozenset({"users", "settings"})

_FORBIDDEN: dict[str, frozenset[str]] = {
    "administrator": frozenset(),
    "power receptionist": frozenset({"users"}),
    "practitioner": _ADMINISTRATION,
    "receptionist": _ADMINISTRATION,
    "scheduler": _ADMINISTRATION | _FINANCIAL,
    "bookkeeper": _ADMINISTRATION | _CLINIC,
}


def may(account: ClinikoAccount, role: str | None, resource: str) -> bool:
    """Whether the API shows `resource` to this role; the key's own user and the public settings are always shown."""
    if resource in account.forbidden:
        return False
    if role == "practitioner" and not account.switches.practitioners_see_financials and resource in _FINANCIAL:
        return False
    return resource not in _FORBIDDEN.get(role or "", _ADMINISTRATION | _FINANCIAL | _CLINIC)
