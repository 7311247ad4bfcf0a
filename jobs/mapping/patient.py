"""A Cliniko patient as the properties of a HubSpot contact."""

from collections.abc import Mapping

from jobs.mapping.catalogue_types import PatientStatus
from jobs.mapping.countries import country_code, country_name
from jobs.mapping.dates import hubspot_date, hubspot_datetime
from jobs.mapping.emails import hubspot_email
from jobs.mapping.phones import phone_fields
from jobs.mapping.records import MapContext, MappedRecord, PatientRecord, Problem, ReferralText
from jobs.mapping.text import clean_text
from jobs.mapping.urls import record_url

_PROPERTIES = (
    "cliniko_patient_key",
    "cliniko_patient_id",
    "cliniko_patient_url",
    "cliniko_patient_status",
    "cliniko_email",
    "email",
    "firstname",
    "lastname",
    "cliniko_preferred_first_name",
    "cliniko_title",
    "cliniko_gender_identity",
    "cliniko_pronouns",
    "cliniko_date_of_birth",
    "date_of_birth",
    "phone",
    "mobilephone",
    "cliniko_other_phones",
    "address",
    "cliniko_address_2",
    "city",
    "state",
    "zip",
    "country",
    "cliniko_country_code",
    "cliniko_time_zone",
    "cliniko_occupation",
    "cliniko_referral_source",
    "cliniko_concession_type",
    "cliniko_accepted_email_marketing",
    "cliniko_accepted_sms_marketing",
    "cliniko_accepted_privacy_policy",
    "cliniko_created_at",
)


def patient_property_names() -> tuple[str, ...]:
    """Every HubSpot property that `map_patient` returns: all that the patients stream takes from Cliniko."""
    return _PROPERTIES


def patient_key(cliniko_account_id: str, patient_id: str) -> str:
    """The unique key of a patient's contact: `<cliniko account id>:<patient id>`."""
    return f"{cliniko_account_id}:{patient_id}"


def patient_status(patient: PatientRecord) -> PatientStatus:
    """Active, Archived or Merged. A merged patient is archived too; merged says more."""
    if patient.merged_at or patient.merged_into_id:
        return PatientStatus.MERGED
    return PatientStatus.ARCHIVED if patient.archived_at or patient.deleted_at else PatientStatus.ACTIVE


def map_patient(patient: PatientRecord, *, context: MapContext) -> MappedRecord:
    """The same patient and context always give the same values; an email HubSpot would refuse is not in `email`."""
    country = country_code(patient.country_code, patient.country)
    phones = phone_fields(patient.patient_phone_numbers, country, context.country_code)
    email, born = hubspot_email(patient.email) or "", hubspot_date(patient.date_of_birth)
    preferred = clean_text(patient.preferred_first_name)
    values = {
        "cliniko_patient_key": patient_key(context.cliniko_account_id, patient.id),
        "cliniko_patient_id": patient.id,
        "cliniko_patient_url": record_url(context.subdomain, context.shard, "patients", patient.id),
        "cliniko_patient_status": patient_status(patient).value,
        "cliniko_email": clean_text(patient.email),
        "email": email,
        "firstname": (context.use_preferred_first_name and preferred) or clean_text(patient.first_name),
        "lastname": clean_text(patient.last_name),
        "cliniko_preferred_first_name": preferred,
        "cliniko_title": clean_text(patient.title),
        "cliniko_gender_identity": clean_text(patient.gender_identity),
        "cliniko_pronouns": _pronouns(patient.pronouns),
        "cliniko_date_of_birth": born,
        "date_of_birth": born,
        "phone": phones.home,
        "mobilephone": phones.mobile,
        "cliniko_other_phones": phones.others,
        "address": clean_text(patient.address_1),
        "cliniko_address_2": _joined(patient.address_2, patient.address_3),
        "city": clean_text(patient.city),
        "state": clean_text(patient.state),
        "zip": clean_text(patient.post_code),
        "country": country_name(patient.country_code, patient.country),
        "cliniko_country_code": clean_text(patient.country_code).upper(),
        "cliniko_time_zone": clean_text(patient.time_zone),
        "cliniko_occupation": clean_text(patient.occupation),
        "cliniko_referral_source": referral_text(context.referral),
        "cliniko_concession_type": clean_text(context.concession_name),
        "cliniko_accepted_email_marketing": yes_no(patient.accepted_email_marketing),
        "cliniko_accepted_sms_marketing": yes_no(patient.accepted_sms_marketing),
        "cliniko_accepted_privacy_policy": yes_no(patient.accepted_privacy_policy),
        "cliniko_created_at": hubspot_datetime(patient.created_at),
    }
    return MappedRecord(values, _problems(patient, email, born))


def yes_no(value: bool | None) -> str:
    """HubSpot's yes/no value; "" while nobody has answered."""
    if value is None:
        return ""
    return "true" if value else "false"


def referral_text(referral: ReferralText | None) -> str:
    """`Type` or `Type: Subcategory`."""
    if referral is None:
        return ""
    kind, subcategory = clean_text(referral.type_name), clean_text(referral.subcategory)
    return f"{kind}: {subcategory}" if kind and subcategory else kind


def email_problem() -> Problem:
    return Problem(
        "email",
        "INVALID_EMAIL",
        "HubSpot does not accept this email address, so it is kept in Cliniko email only. Correct it in Cliniko.",
    )


def _problems(patient: PatientRecord, email: str, born: str) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    if not email and clean_text(patient.email):
        problems.append(email_problem())
    if not born and clean_text(patient.date_of_birth):
        problems.append(
            Problem(
                "cliniko_date_of_birth",
                "INVALID_DATE",
                "This birth date is not a day of the calendar. Correct it in Cliniko.",
            )
        )
    return tuple(problems)


def _pronouns(pronouns: object | None) -> str:
    """`she/her` from the grammatical cases."""
    cases = (_case(pronouns, "nominative"), _case(pronouns, "accusative"))
    return "/".join(case for case in cases if case)


def _case(pronouns: object | None, name: str) -> str:
    if isinstance(pronouns, Mapping):
        return clean_text(pronouns.get(name))
    return clean_text(getattr(pronouns, name, None))


def _joined(*lines: str | None) -> str:
    return clean_text(", ".join(line for line in map(clean_text, lines) if line))
