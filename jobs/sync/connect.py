"""Checks a Cliniko API key live and connects it. The browser and the command line share this.

https://docs.api.cliniko.com/openapi/user
"""

from dataclasses import dataclass, field

from webapp.clients import factory
from webapp.clients.cliniko import resources
from webapp.clients.cliniko.keys import parse_key
from webapp.config import current_settings
from webapp.extensions import get_redis
from webapp.store import connections
from webapp.store.connections import find_connection
from webapp.store.models_account import Connection

# What the admin loses when the key may not read a list. Patients are the one thing nothing works without.
NEEDED = "patients"
SWITCHED_OFF = {
    "patients": "patients cannot be synced at all",
    "contacts": "doctors and payers are not synced",
    "referral_sources": "the referral source of patients stays empty",
    "referral_source_types": "the referral source of patients stays empty",
    "concession_types": "the concession type of patients stays empty",
    "practitioners": "practitioners are not named on deals",
    "users": "deals cannot be given to the practitioner's HubSpot owner",
    "businesses": "the location of appointments stays empty",
    "individual_appointments": "appointments are not synced",
    "group_appointments": "group appointments are not synced",
    "attendees": "group appointments are not synced",
    "bookings": "appointments are found with more requests",
    "invoices": "invoices are not synced",
    "appointment_types": "the type of appointments stays empty",
    "appointment_type_billable_items": "appointments carry no amount, or only that of their first item",
    "billable_items": "appointments carry no amount",
    "concession_prices": "amounts of appointments ignore reduced prices",
    "taxes": "amounts of appointments hold no tax",
    "patient_cases": "the case of appointments stays empty",
}


class KeyCannotRead(Exception):
    """The key works, but may not read patients. The message is for the person who entered it."""


@dataclass(frozen=True)
class ConnectResult:
    """A connected key: whose it is, and for each list that it may not read what that switches off."""

    connection: Connection
    same_account: bool
    known_shard: bool
    switched_off: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """For JSON output and for the page. Holds no key."""
        connection = self.connection
        return {
            "cliniko_account_id": connection.cliniko_account_id,
            "account_name": connection.account_name,
            "subdomain": connection.subdomain,
            "shard": connection.shard,
            "known_shard": self.known_shard,
            "role": connection.role,
            "switched_off": self.switched_off,
        }


def connect_cliniko(hub_id: int, key: str, replace: bool = False) -> ConnectResult:
    """Check the key with Cliniko and store it encrypted.

    Raises BadKey (not a key), KeyCannotRead, OtherClinikoAccount (another account than the connected one, and not
    `replace`), UnknownAccount and the client's errors. Until everything was checked nothing changes.
    """
    parsed = parse_key(key)
    with factory.cliniko_client(current_settings(), get_redis(), parsed.key) as client:
        user = resources.get_user(client)
        account = resources.get_account(client)
        access = resources.probe_lists(client)
    forbidden = [name for name, state in access.items() if state == "forbidden"]
    if NEEDED in forbidden:
        raise KeyCannotRead(
            "The key works, but its Cliniko user may not read patients. Ask a Cliniko administrator for a key "
            "of a user with the role Administrator or Power receptionist."
        )
    before = find_connection(hub_id)
    same = before is not None and before.cliniko_account_id == account.id
    connection = connections.save_connection(
        hub_id,
        api_key=parsed.key,
        shard=parsed.shard,
        cliniko_account_id=account.id,
        cliniko_user_id=user.id,
        role=user.role,
        account_name=account.name,
        subdomain=account.subdomain,
        country_code=account.country_code,
        access=access,
        replace=replace,
    )
    off = {name: SWITCHED_OFF.get(name, "some details stay empty") for name in forbidden}
    return ConnectResult(connection, same, parsed.known_shard, off)
