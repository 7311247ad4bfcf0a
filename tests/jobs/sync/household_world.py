"""Plays a plan of households in a clinic, and says what must be true of both sides after every cycle."""

from typing import Any

from jobs.sync import tags
from tests.jobs.sync.households import Edit, Lead, Person, Plan
from tests.support.clinic import Clinic
from tests.support.people import links, work_items
from webapp.store import accounts
from webapp.store.models_ledger import Link


class World:
    """One clinic with one plan. `leads` keeps what people typed into HubSpot, by contact id."""

    def __init__(self, clinic: Clinic, plan: Plan) -> None:
        self.clinic, self.plan = clinic, plan
        self.ids: list[str] = []
        self.leads: dict[str, dict[str, str]] = {}
        self.linked_before: set[str] = set()
        clinic.portal.secondary_lookup = plan.any_address
        for lead in plan.leads:
            self.add_lead(lead)
        for person in plan.people:
            self.add_patient(person)

    # What happens

    def add_patient(self, person: Person) -> None:
        if len(self.ids) == len(self.plan.ids):
            return
        row = person.row()
        if person.merged_into is not None:
            row["merged_with_patient_id"] = self.ids[person.merged_into]
        self.ids.append(self.plan.ids[len(self.ids)])
        self.clinic.account.put("patients", {**row, "id": self.ids[-1]})

    def add_lead(self, lead: Lead) -> None:
        """A lead with addresses that no contact has yet: HubSpot allows no others."""
        held = {address for contact in self.clinic.contacts().values() for address in addresses(contact)}
        if held & {lead.email, lead.second} or lead.email == lead.second:
            return
        made = self.clinic.portal.create("contacts", lead.properties())
        self.leads[made.id] = dict(self.clinic.contacts()[made.id])

    def play(self, edits: tuple[Edit, ...]) -> None:
        for edit in edits:
            if edit.what == "patient":
                self.add_patient(edit.value)
            elif edit.what == "lead":
                self.add_lead(edit.value)
            elif edit.what == "swap":
                one, other = self.row(edit.who), self.row(edit.other)
                was = one["email"], other["email"]
                self.change(one, email=was[1])
                self.change(other, email=was[0])
            else:
                self.change(self.row(edit.who), **self._values(edit))

    def _values(self, edit: Edit) -> dict[str, Any]:
        if edit.what == "archived":
            return {"archived_at": self.clinic.account.stamp() if edit.value else None}
        return {edit.what: edit.value}

    def row(self, place: int) -> dict[str, Any]:
        return self.clinic.account.get("patients", self.ids[place % len(self.ids)]) or {}

    def change(self, row: dict[str, Any], **changes: Any) -> None:
        if not row["merged_at"]:
            self.clinic.account.edit("patients", row["id"], **changes)

    def cycle(self) -> None:
        result = self.clinic.cycle("patients", most=60)["patients"]
        assert result.outcome == "done", result

    # What must be true

    def check(self) -> None:
        contacts, ledger = self.clinic.contacts(), links(self.clinic)
        rows = {i: self.clinic.account.get("patients", i) or {} for i in self.ids}
        prefix = f"{self.clinic.account.id}:"
        keyed = {
            p["cliniko_patient_key"].removeprefix(prefix): i for i, p in contacts.items() if "cliniko_patient_key" in p
        }
        linked = {i: row for i, row in ledger.items() if row.state == "linked"}

        assert {i: row.hubspot_id for i, row in linked.items()} == keyed, "ledger and HubSpot tell the same"
        assert not {row.state for row in ledger.values()} - {"linked", "excluded"}, "nobody is left in the middle"
        assert not work_items(self.clinic), "nothing is left to do"
        for cliniko_id, row in rows.items():
            removed = row["archived_at"] is not None
            assert removed or cliniko_id in linked, "nobody is lost"
            assert not row["merged_at"] or cliniko_id not in linked, "who was merged away gets nothing"
            if cliniko_id in linked:
                self._check_contact(row, contacts[keyed[cliniko_id]], linked[cliniko_id])
        made = {i for i in keyed.values() if i not in self.leads}
        assert set(contacts) == made | set(self.leads), "nothing is doubled, nothing goes"
        self._check_leads(rows, contacts, {contact: cliniko_id for cliniko_id, contact in keyed.items()})
        self._check_addresses(rows, contacts, linked)

    def _check_contact(self, row: dict[str, Any], contact: dict[str, str], link: Link) -> None:
        assert (contact["firstname"], contact["lastname"]) == (row["first_name"], row["last_name"])
        assert contact["cliniko_patient_status"] == ("Archived" if row["archived_at"] else "Active")
        mine = address_of(row)
        typed = self.leads.get(str(link.hubspot_id), {}).get("email")
        assert contact.get("email") in (None, mine, typed), "email is the patient's or blank"
        assert contact.get("cliniko_email") == row["email"]
        held = mine in addresses(contact)
        assert (contact.get("cliniko_shared_email") == "true") == (mine is not None and not held)

    def _check_leads(
        self, rows: dict[str, dict[str, Any]], contacts: dict[str, dict[str, str]], owners: dict[str, str]
    ) -> None:
        for contact, typed in self.leads.items():
            owner = owners.get(contact)
            if owner is None:
                assert contacts[contact] == typed, "a contact of somebody else is left alone"
            elif contact not in self.linked_before:
                others = [row for i, row in rows.items() if i != owner and not row["merged_at"]]
                assert clearly(rows[owner], others, typed), "a person's contact is linked to a clear match only"
        self.linked_before |= set(owners)

    def _check_addresses(
        self, rows: dict[str, dict[str, Any]], contacts: dict[str, dict[str, str]], linked: dict[str, Link]
    ) -> None:
        held = {address: i for i, contact in contacts.items() for address in addresses(contact)}
        key = accounts.digest_key(accounts.get_account(self.clinic.hub_id))
        marks = {tags.tag(key, "email", address): address for address in held}
        for cliniko_id, link in linked.items():
            wanted = address_of(rows[cliniko_id])
            assert wanted is None or wanted in held, "an address that somebody wants is not left unused"
            if link.email_hmac is not None:
                assert held.get(marks.get(link.email_hmac, "")) == link.hubspot_id, "the ledger knows who holds what"


def addresses(contact: dict[str, str]) -> set[str]:
    """All addresses of a HubSpot contact."""
    return {a for a in [contact.get("email"), *contact.get("hs_additional_emails", "").split(";")] if a}


def address_of(row: dict[str, Any]) -> str | None:
    """A patient's address, if HubSpot would take it."""
    return row["email"] if row["email"] and "@" in row["email"] else None


def clearly(row: dict[str, Any], others: list[dict[str, Any]], typed: dict[str, str]) -> bool:
    """Rules 2 and 3 in their plainest form."""
    sharing = [other for other in others if address_of(other) == address_of(row)]
    born = typed.get("date_of_birth")
    if address_of(row) not in addresses(typed) or (born and row["date_of_birth"] and born != row["date_of_birth"]):
        return False
    if "firstname" not in typed and "lastname" not in typed:
        return not sharing
    names = {row["first_name"], row["preferred_first_name"]}
    if typed.get("lastname") != row["last_name"] or typed.get("firstname") not in names - {None}:
        return False
    return not any(
        other["last_name"] == row["last_name"]
        and {other["first_name"], other["preferred_first_name"]} & (names - {None})
        for other in sharing
    )
