"""What HubSpot has to hold, worked out from Cliniko's rows alone, in other words than the product's own."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.clinic import Clinic

Row = dict[str, Any]
INVOICE_STAGES = {10: "open", 20: "paid", 30: "closed", 40: "open_credit"}
CENT = Decimal("0.01")


def differences(clinic: Clinic, moment: datetime, *, days_ahead: int = 45, days_back: int = 365) -> list[str]:
    """Every way in which the deals differ from what Cliniko says; each deal, and each that should be one, is seen."""
    wanted = {deal["key"]: deal for deal in expected(clinic, moment, days_ahead, days_back)}
    there = clinic.deals()
    found = [f"missing {key}" for key in wanted.keys() - there.keys()]
    found += [f"surplus {key}" for key in there.keys() - wanted.keys()]
    contacts = clinic.contacts()
    for key in wanted.keys() & there.keys():
        deal, want = there[key], wanted[key]
        keys = [contacts[c].get("cliniko_patient_key") for c in clinic.contacts_of_deal(deal["id"])]
        seen = {
            "stage": deal["dealstage"].removeprefix("cliniko_"),
            "pipeline": deal["pipeline"],
            "amount": deal.get("amount"),
            "owner": deal.get("hubspot_owner_id"),
            "close": deal["closedate"][: len(want["close"])],
            "name": letters(deal["dealname"]),
            "patients": keys,
            "case": deal.get("cliniko_case_id"),
            "used": deal.get("cliniko_case_sessions_used"),
            "number": deal.get("cliniko_invoice_number"),
        }
        found += [f"{key} {n}: {seen[n]!r} instead of {want[n]!r}" for n in seen if seen[n] != want[n]]
    return found


def expected(clinic: Clinic, moment: datetime, days_ahead: int, days_back: int) -> Iterator[Row]:
    """The deals that the clinic's rows ask for, as seen at `moment`."""
    world = World(clinic)
    first, last = _text(moment - timedelta(days=7)), _text(moment + timedelta(days=days_ahead))
    tables = clinic.account.tables
    for row in tables["individual_appointments"].values():
        if first <= row["starts_at"] <= last:
            seat = next((a for a in world.seats[row["id"]] if not gone(a)), {})
            yield world.visit("individual_appointment", row["id"], row, seat, [row, seat])
    for row in tables["group_appointments"].values():
        if first <= row["starts_at"] <= last:
            for seat in world.seats[row["id"]]:
                yield world.visit("attendee", seat["id"], row, seat, [seat], removed=gone(row) or gone(seat))
    oldest = (moment - timedelta(days=days_back)).date().isoformat()
    for row in tables["invoices"].values():
        if row["issue_date"] >= oldest:
            yield world.invoice(row)


def gone(row: Row) -> bool:
    return bool(row.get("archived_at") or row.get("deleted_at"))


def letters(text: str) -> str:
    """A name without what is not read: case stays, marks and spaces of any kind do not count."""
    return "".join(letter for letter in text if letter.isalnum())


class World:
    """A clinic's rows, looked up."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.tables = clinic, clinic.account.tables
        self.seats: dict[str, list[Row]] = {}
        for booking in ("individual_appointments", "group_appointments"):
            self.seats |= {row["id"]: [] for row in self.tables[booking].values()}
        for seat in self.tables["attendees"].values():
            self.seats[seat["booking_id"]].append(seat)
        owners = clinic.portal.owners.values()
        self.owners = {owner["email"].lower(): owner["id"] for owner in owners if not owner["archived"]}
        self.used = self._sessions()

    def visit(
        self, kind: str, number: str, booking: Row, seat: Row, sides: list[Row], removed: bool | None = None
    ) -> Row:
        state = self._state(sides, gone(booking) if removed is None else removed)
        patient = seat.get("patient_id") or booking["patient_id"]
        case = seat.get("patient_case_id") or booking.get("patient_case_id")
        name = f"{self._row('appointment_types', booking)['name']}{self._patient(patient)}{self._clock(booking)}"
        return {
            "key": f"{self.clinic.account.id}:{kind}:{number}",
            "stage": f"appt_{state}",
            "pipeline": "cliniko_appointments",
            "amount": self._price(booking["appointment_type_id"], patient),
            "owner": self._owner(booking["practitioner_id"]),
            "close": booking["starts_at"][:19],
            "name": letters(name),
            "patients": [self._key(patient)],
            "case": case,
            "used": str(self.used[case]) if case else None,
            "number": None,
        }

    def invoice(self, row: Row) -> Row:
        total = Decimal(0) if gone(row) else Decimal(row["total_amount"])
        zone = ZoneInfo(self._row("businesses", row)["time_zone_identifier"])
        midday = datetime.fromisoformat(f"{row['issue_date']}T12:00").replace(tzinfo=zone)
        return {
            "key": f"{self.clinic.account.id}:invoice:{row['id']}",
            "stage": f"inv_{'closed' if gone(row) else INVOICE_STAGES[row['status']]}",
            "pipeline": "cliniko_invoices",
            "amount": str(total.quantize(CENT)),
            "owner": self._owner(row["practitioner_id"]),
            "close": (row.get("closed_at") or _text(midday))[:19],
            "name": letters(f"Invoice{row['number']}{self._patient(row['patient_id'])}"),
            "patients": [self._key(row["patient_id"])],
            "case": None,
            "used": None,
            "number": str(row["number"]),
        }

    def _row(self, resource: str, row: Row) -> Row:
        names = {"appointment_types": "appointment_type_id", "businesses": "business_id"}
        return self.tables[resource][int(row[names[resource]])]

    @staticmethod
    def _state(sides: list[Row], removed: bool) -> str:
        if removed or any(side.get("cancelled_at") for side in sides):
            return "cancelled"
        came = sides[-1].get("arrived")
        return "booked" if came is None else "arrived" if came else "did_not_arrive"

    def _survivor(self, patient: str) -> Row:
        row = self.tables["patients"][int(patient)]
        while row.get("merged_with_patient_id"):
            row = self.tables["patients"][int(row["merged_with_patient_id"])]
        return row

    def _key(self, patient: str) -> str:
        return f"{self.clinic.account.id}:{self._survivor(patient)['id']}"

    def _patient(self, patient: str) -> str:
        row = self._survivor(patient)
        return f"{row['first_name']}{row['last_name']}"

    def _clock(self, booking: Row) -> str:
        zone = ZoneInfo(self._row("businesses", booking)["time_zone_identifier"])
        local = datetime.fromisoformat(booking["starts_at"]).astimezone(zone)
        return f"{local:%a}{local.day}{local:%b%Y}{local.hour % 12 or 12}{local:%M}{'am' if local.hour < 12 else 'pm'}"

    def _owner(self, practitioner: str | None) -> str | None:
        user = practitioner and self.tables["practitioners"][int(practitioner)].get("user_id")
        email = user and self.tables["users"][int(user)]["email"]
        return self.owners.get((email or "").lower())

    def _sessions(self) -> Counter[str]:
        """{case: sessions used}: attendees that were not removed, cancelled and missed ones where the case says so."""
        used: Counter[str] = Counter()
        for booking, seats in self.seats.items():
            single = self.tables["individual_appointments"].get(int(booking))
            row = single or self.tables["group_appointments"][int(booking)]
            for seat in seats:
                case = self.tables["patient_cases"].get(int(seat.get("patient_case_id") or 0))
                if case is None or gone(seat) or gone(row):
                    continue
                state = self._state([row, seat] if single else [seat], removed=False)
                counts = {"cancelled": "include_cancelled_attendees", "did_not_arrive": "include_dna_attendees"}
                used[case["id"]] += 1 if state not in counts else bool(case.get(counts[state]))
        return used

    def _price(self, kind: str, patient: str) -> str | None:
        """price × rate / 100 + price of each line, discounts off, rounded once."""
        lines = [r for r in self.tables["appointment_type_billable_items"].values() if r["appointment_type_id"] == kind]
        single = self.tables["appointment_types"][int(kind)].get("billable_item_id")
        lines = lines or ([{"billable_item_id": single, "quantity": "1"}] if single else [])
        concession = self._survivor(patient).get("concession_type_id")
        total = Decimal(0)
        for line in lines:
            item = self.tables["billable_items"][int(line["billable_item_id"])]
            price = Decimal(item["price"])
            for reduced in self.tables["concession_prices"].values():
                pair = (reduced["billable_item_id"], reduced["concession_type_id"])
                if pair == (item["id"], concession) and reduced["price"] is not None:
                    price = Decimal(reduced["price"])
            tax = self.tables["taxes"].get(int(item["tax_id"] or 0))
            gross = (price * Decimal(tax["rate"]) / 100 + price if tax else price) * Decimal(line["quantity"])
            if line.get("is_monetary_discount"):
                gross -= Decimal(line["discounted_amount"])
            elif line.get("discount_percentage"):
                gross -= gross * Decimal(line["discount_percentage"]) / 100
            total += gross
        return str(total.quantize(CENT, ROUND_HALF_UP)) if lines else None


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
