"""A patient case as properties of an appointment's deal, and how many of its sessions are used."""

from collections.abc import Iterable, Mapping

from jobs.mapping.catalogue_types import AppointmentStatus
from jobs.mapping.dates import hubspot_date
from jobs.mapping.money import money_text
from jobs.mapping.patient import yes_no
from jobs.mapping.records_deals import CaseRecord
from jobs.mapping.text import clean_text
from jobs.mapping.visits import VisitState

_PROPERTIES = (
    "cliniko_case_id",
    "cliniko_case_name",
    "cliniko_case_issue_date",
    "cliniko_case_expiry_date",
    "cliniko_case_closed",
    "cliniko_case_max_sessions",
    "cliniko_case_max_invoiceable_amount",
    "cliniko_case_referral",
    "cliniko_case_sessions_used",
)


def case_property_names() -> tuple[str, ...]:
    """Every HubSpot property that `case_values` returns."""
    return _PROPERTIES


def case_values(
    case_id: str | None, case: CaseRecord | None, sessions_used: int | None, *, include_name: bool
) -> dict[str, str]:
    """All case properties, blank without a case. The id is known from the appointment even where the key may not read
    cases; a name that is not wanted is blank, so that one written earlier goes."""
    if case is None:
        return dict.fromkeys(_PROPERTIES, "") | {"cliniko_case_id": case_id or ""}
    return {
        "cliniko_case_id": case.id,
        "cliniko_case_name": clean_text(case.name) if include_name else "",
        "cliniko_case_issue_date": hubspot_date(case.issue_date),
        "cliniko_case_expiry_date": hubspot_date(case.expiry_date),
        # Newer answers have only the time of closing.
        "cliniko_case_closed": yes_no(bool(case.closed or case.closed_at)),
        "cliniko_case_max_sessions": "" if case.max_sessions is None else str(case.max_sessions),
        "cliniko_case_max_invoiceable_amount": money_text(case.max_invoiceable_amount),
        "cliniko_case_referral": yes_no(case.referral),
        "cliniko_case_sessions_used": "" if sessions_used is None else str(sessions_used),
    }


def sessions_used(
    attendees: Iterable[VisitState] | Mapping[AppointmentStatus, int],
    *,
    include_cancelled: bool | None,
    include_did_not_arrive: bool | None,
) -> int:
    """How many sessions of a case are used up, as Cliniko counts them.

    Every attendee of the case is a session, booked ones too; cancelled and missed ones only where the case says so
    (None is no), removed ones never. Given as states, or as numbers by status that leave the removed ones out.
    """
    counts: dict[AppointmentStatus, int] = {}
    if isinstance(attendees, Mapping):
        counts.update(attendees)
    else:
        for state in attendees:
            if not state.removed:
                counts[state.status] = counts.get(state.status, 0) + 1
    if not include_cancelled:
        counts.pop(AppointmentStatus.CANCELLED, None)
    if not include_did_not_arrive:
        counts.pop(AppointmentStatus.DID_NOT_ARRIVE, None)
    return sum(counts.values())
