"""Everything that we create in a HubSpot account, as data.

Names are fixed for good: a customer may change labels, order and groups, and nothing here relies on those.
"""

from jobs.mapping.catalogue_contacts import CONTACT_GROUP, CONTACT_PROPERTIES, PATIENT_GROUP, PATIENT_PROPERTIES
from jobs.mapping.catalogue_deals import (
    APPOINTMENT_GROUP,
    APPOINTMENT_PIPELINE,
    APPOINTMENT_PROPERTIES,
    INVOICE_GROUP,
    INVOICE_PIPELINE,
    INVOICE_PROPERTIES,
)
from jobs.mapping.catalogue_types import (
    CONTACTS,
    DEALS,
    YES_NO,
    AppointmentStatus,
    Group,
    InvoiceStatus,
    ObjectType,
    Option,
    PatientStatus,
    Pipeline,
    Property,
    Stage,
    SyncStatus,
)

__all__ = [
    "CONTACTS",
    "DEALS",
    "GROUPS",
    "OBJECT_TYPES",
    "PIPELINES",
    "PROPERTIES",
    "STANDARD",
    "YES_NO",
    "AppointmentStatus",
    "Group",
    "InvoiceStatus",
    "ObjectType",
    "Option",
    "PatientStatus",
    "Pipeline",
    "Property",
    "Stage",
    "SyncStatus",
    "properties_of",
    "property_named",
]

OBJECT_TYPES: tuple[ObjectType, ...] = (CONTACTS, DEALS)
GROUPS: tuple[Group, ...] = (PATIENT_GROUP, CONTACT_GROUP, APPOINTMENT_GROUP, INVOICE_GROUP)
PROPERTIES: tuple[Property, ...] = (
    *PATIENT_PROPERTIES,
    *CONTACT_PROPERTIES,
    *APPOINTMENT_PROPERTIES,
    *INVOICE_PROPERTIES,
)
PIPELINES: tuple[Pipeline, ...] = (APPOINTMENT_PIPELINE, INVOICE_PIPELINE)

# HubSpot's own properties that we write, where the account has them (not every account has `date_of_birth`).
STANDARD: dict[ObjectType, tuple[str, ...]] = {
    CONTACTS: (
        "firstname",
        "lastname",
        "email",
        "phone",
        "mobilephone",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "date_of_birth",
        "company",
    ),
    DEALS: ("dealname", "amount", "closedate", "pipeline", "dealstage", "hubspot_owner_id", "deal_currency_code"),
}

_BY_NAME = {(item.object_type, item.name): item for item in PROPERTIES}


def properties_of(object_type: ObjectType) -> tuple[Property, ...]:
    return tuple(item for item in PROPERTIES if item.object_type == object_type)


def property_named(object_type: ObjectType, name: str) -> Property:
    """Raises KeyError for a property that is not ours."""
    return _BY_NAME[object_type, name]
