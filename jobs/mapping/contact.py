"""A Cliniko contact (a third party: doctor, payer) as the properties of a HubSpot contact."""

from jobs.mapping.countries import country_code, country_name
from jobs.mapping.emails import hubspot_email
from jobs.mapping.patient import email_problem
from jobs.mapping.phones import phone_fields
from jobs.mapping.records import ContactRecord, MapContext, MappedRecord
from jobs.mapping.text import clean_text
from jobs.mapping.urls import record_url

_TYPES = {0: "Standard", 1: "Doctor", 2: "3rd Party Payer"}
_DOCTOR_TYPES = {"general_practitioner": "General practitioner", "specialist": "Specialist"}

_OWN = (
    "cliniko_contact_key",
    "cliniko_contact_id",
    "cliniko_contact_url",
    "cliniko_contact_type",
    "cliniko_contact_company",
    "cliniko_contact_doctor_type",
    "cliniko_contact_preferred_name",
)
_STANDARD = (
    "email",
    "firstname",
    "lastname",
    "company",
    "phone",
    "mobilephone",
    "address",
    "city",
    "state",
    "zip",
    "country",
)


def contact_property_names() -> tuple[str, ...]:
    """Every HubSpot property that `map_contact` returns."""
    return _OWN + _STANDARD


def contact_own_property_names() -> tuple[str, ...]:
    """The only ones written where the HubSpot contact is linked to a patient as well."""
    return _OWN


def contact_key(cliniko_account_id: str, contact_id: str) -> str:
    """The unique key of a Cliniko contact's HubSpot contact: `<cliniko account id>:<contact id>`."""
    return f"{cliniko_account_id}:{contact_id}"


def map_contact(contact: ContactRecord, *, context: MapContext) -> MappedRecord:
    """The same contact and context always give the same values. A company without a person goes by `lastname`."""
    phones = phone_fields(
        contact.phone_numbers, country_code(contact.country_code, contact.country), context.country_code
    )
    email = hubspot_email(contact.email) or ""
    company, preferred = clean_text(contact.company_name), clean_text(contact.preferred_name)
    first = (context.use_preferred_first_name and preferred) or clean_text(contact.first_name)
    last = clean_text(contact.last_name)
    nameless = not first and not last
    values = {
        "cliniko_contact_key": contact_key(context.cliniko_account_id, contact.id),
        "cliniko_contact_id": contact.id,
        "cliniko_contact_url": record_url(context.subdomain, context.shard, "contacts", contact.id),
        "cliniko_contact_type": "" if contact.type_code is None else _TYPES.get(contact.type_code, ""),
        "cliniko_contact_company": company,
        "cliniko_contact_doctor_type": _doctor_type(contact.doctor_type),
        "cliniko_contact_preferred_name": preferred,
        "email": email,
        "firstname": first,
        "lastname": company if nameless else last,
        "company": company if nameless else "",
        "phone": phones.home,
        "mobilephone": phones.mobile,
        "address": clean_text(contact.address_1),
        "city": clean_text(contact.city),
        "state": clean_text(contact.state),
        "zip": clean_text(contact.post_code),
        "country": country_name(contact.country_code, contact.country),
    }
    problems = () if email or not clean_text(contact.email) else (email_problem(),)
    return MappedRecord(values, problems)


def _doctor_type(value: str | None) -> str:
    code = clean_text(value)
    return _DOCTOR_TYPES.get(code, code)
