"""Invoices and their items, whose amounts add up to the cent."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from webapp.sandbox.cliniko.clinic.draws import DAY, PRIVATE_MARK, Draws, Row, between, chosen, moment, stamp
from webapp.sandbox.cliniko.clinic.services import Services
from webapp.sandbox.cliniko.clinic.staff import Staff

INVOICE_SHARES = {
    "open": 0.20,
    "paid": 0.70,
    "closed": 0.06,
    "open_credit": 0.04,  # their totals are negative
    "archived": 0.03,
    "deleted": 0.015,  # never archived ones
    "no_appointment": 0.06,  # products and reports; half of them without practitioner as well
    "several": 0.03,  # a further invoice for an appointment that has one
}
STATUSES = {"open": 10, "paid": 20, "closed": 30, "open_credit": 40}

CENT = Decimal("0.01")
_MILL = Decimal("0.001")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Billable:
    """A visit that an invoice may be about: the appointment, and the patient's place in it."""

    appointment: Row
    attendee: Row


@dataclass(frozen=True)
class Invoices:
    invoices: list[Row]
    items: list[Row]
    traits: dict[str, list[str]]


def text(amount: Decimal) -> str:
    """As Cliniko prints decimals: at least one place, no zeros behind that."""
    plain = f"{amount.normalize():f}"
    return plain if "." in plain else f"{plain}.0"


def half_up(amount: Decimal, to: Decimal = CENT) -> Decimal:
    return amount.quantize(to, ROUND_HALF_UP)


def priced(
    name: str, quantity: Decimal, unit: Decimal, rate: Decimal, percent: Decimal | None, off: Decimal | None
) -> Row:
    """The money fields of one item. `percent` is off the price, `off` is off the total including tax."""
    gross = quantity * unit * (1 + rate / _HUNDRED)
    if off is not None:
        percent = half_up(off / gross * _HUNDRED, Decimal("0.0001")) if gross else Decimal(0)
        total = half_up(gross - off)
    else:
        total = half_up(gross * (1 - (percent or Decimal(0)) / _HUNDRED))
    net = half_up(total / (1 + rate / _HUNDRED), _MILL)
    return {
        "name": name,
        "discount_percentage": text(percent) if percent is not None else None,
        "discounted_amount": text(half_up(gross) - total) if percent is not None else None,
        "is_monetary_discount": off is not None if percent is not None else None,
        "net_price": text(net),
        "quantity": int(quantity) if quantity == int(quantity) else text(quantity),
        "tax_amount": text(rate) if rate else None,  # Cliniko prints the rate here too
        "tax_rate": text(rate) if rate else None,
        "total_including_tax": text(total),
        "unit_price": text(unit),
    }


def totals(items: Iterable[Row]) -> Row:
    """The amounts of an invoice, from its items."""
    listed = list(items)
    total = sum((Decimal(item["total_including_tax"]) for item in listed), Decimal(0))
    net = half_up(sum((Decimal(item["net_price"]) for item in listed), Decimal(0)))
    discount = sum((Decimal(item["discounted_amount"] or 0) for item in listed), Decimal(0))
    return {
        "net_amount": text(net),
        "tax_amount": text(total - net),
        "total_amount": text(total),
        "discounted_amount": text(discount),
    }


def make_invoices(
    draws: Draws,
    count: int,
    billable: Sequence[Billable],
    patients: Mapping[str, Row],
    staff: Staff,
    services: Services,
    concessions: Mapping[str, str],
) -> Invoices:
    """`count` invoices in the order they were made. What a visit's invoice says is not stored on the visit."""
    chance = draws.stream("invoices")
    if not patients:
        count = 0
    zones = dict(zip((row["id"] for row in staff.businesses), staff.zones, strict=True))
    about = _subjects(chance, draws.now, count, billable)
    traits = _traits(chance, count)
    maker = _Maker(chance, services, concessions)
    ids = list(patients)
    invoices, items = [], []
    of_trait: dict[str, list[str]] = {trait: [] for trait in traits}
    for index, (created, visit) in enumerate(about):
        status = next(name for name in STATUSES if index in traits[name])
        patient = patients[visit.attendee["patient_id"] if visit else chance.choice(ids)]
        invoice = _invoice(chance, draws, index, created, visit, patient, staff, zones, status)
        removed = between(chance, created, draws.now)
        if index in traits["archived"]:
            invoice["archived_at"] = stamp(removed)
        if index in traits["deleted"]:
            invoice["deleted_at"] = stamp(removed)
        if invoice["archived_at"] or invoice["deleted_at"]:
            invoice["updated_at"] = stamp(removed)
        lines = maker.items(draws, invoice, created, visit, patient, credit=status == "open_credit")
        invoice |= totals(lines)
        invoices.append(invoice)
        items += lines
        for trait, members in traits.items():
            if index in members:
                of_trait[trait].append(invoice["id"])
    of_trait["no_appointment"] = [row["id"] for row in invoices if row["appointment_id"] is None]
    times = Counter((row["appointment_id"], row["patient_id"]) for row in invoices if row["appointment_id"])
    of_trait["several"] = [row["id"] for row in invoices if times[row["appointment_id"], row["patient_id"]] > 1]
    return Invoices(invoices, items, of_trait)


def _subjects(
    chance: random.Random, now: int, count: int, billable: Sequence[Billable]
) -> list[tuple[int, Billable | None]]:
    """When each invoice was made and what it is about: every visit once before any has a second one, but for a few."""
    free = round(count * INVOICE_SHARES["no_appointment"]) if billable else count
    again = round(count * INVOICE_SHARES["several"]) if billable else 0
    visits: list[Billable] = []
    while len(visits) < count - free - again:
        visits += chance.sample(billable, min(len(billable), count - free - again - len(visits)))
    visits += [chance.choice(visits) for _ in range(count - free - len(visits))] if visits else []
    subjects: list[tuple[int, Billable | None]] = []
    for visit in visits:
        ends = int(datetime.fromisoformat(visit.appointment["ends_at"]).timestamp())
        subjects.append((min(now, ends + chance.randint(0, 1200)), visit))
    for _ in range(count - len(visits)):
        subjects.append((between(chance, now - 900 * DAY, now), None))
    subjects.sort(key=lambda subject: (subject[0], subject[1].attendee["booking_id"] if subject[1] else ""))
    return subjects


def _traits(chance: random.Random, count: int) -> dict[str, frozenset[int]]:
    rest = list(range(count))
    chance.shuffle(rest)
    traits: dict[str, frozenset[int]] = {}
    for name in ("open", "closed", "open_credit"):
        picked = frozenset(chosen(chance, rest, INVOICE_SHARES[name] * count / max(len(rest), 1)))
        traits[name] = picked
        rest = [index for index in rest if index not in picked]
    traits["paid"] = frozenset(rest)
    traits["archived"] = frozenset(chosen(chance, range(count), INVOICE_SHARES["archived"]))
    others = [index for index in range(count) if index not in traits["archived"]]
    traits["deleted"] = frozenset(chosen(chance, others, INVOICE_SHARES["deleted"]))
    return traits


def _invoice(
    chance: random.Random,
    draws: Draws,
    index: int,
    created: int,
    visit: Billable | None,
    patient: Row,
    staff: Staff,
    zones: Mapping[str, ZoneInfo],
    status: str,
) -> Row:
    code = STATUSES[status]
    business = visit.appointment["business_id"] if visit else staff.businesses[0]["id"]
    closed = stamp(between(chance, created, min(draws.now, created + 40 * DAY))) if code in (20, 30) else None
    practitioner = visit.appointment["practitioner_id"] if visit else None
    if visit is None and index % 2:
        practitioner = chance.choice(staff.active)
    return {
        "id": draws.new_id("invoices", created),
        "appointment_id": visit.appointment["id"] if visit else None,
        "archived_at": None,
        "business_id": business,
        "closed_at": closed,
        "created_at": stamp(created),
        "deleted_at": None,
        "invoice_to": f"{patient['first_name']} {patient['last_name']}\r\n{patient.get('address_1') or ''}",
        "issue_date": moment(created).astimezone(zones[business]).date().isoformat(),
        "notes": f"Sent to the insurer. {PRIVATE_MARK}" if chance.random() < 0.1 else chance.choice(("", None)),
        "number": 1001 + index,
        "online_payment_url": f"https://pay.example/{PRIVATE_MARK}/{index}" if code == 10 else None,
        "patient_id": patient["id"],
        "practitioner_id": practitioner,
        "status": code,
        "updated_at": closed or stamp(created),
    }


class _Maker:
    """Makes the items of invoices."""

    def __init__(self, chance: random.Random, services: Services, concessions: Mapping[str, str]) -> None:
        self.chance, self.services, self.concessions = chance, services, concessions
        self._extras = [row for row in services.items if row["item_type"] != "Service"]

    def items(
        self, draws: Draws, invoice: Row, created: int, visit: Billable | None, patient: Row, *, credit: bool
    ) -> list[Row]:
        sign = Decimal(-1 if credit else 1)
        lines = self.services.lines[visit.appointment["appointment_type_id"]] if visit else []
        made = [
            self._item(line.item_id, sign * line.quantity, line.percent_off, line.money_off, patient) for line in lines
        ]
        if not made or self.chance.random() < 0.1:
            extra = self.chance.choice(self._extras)
            made.append(self._item(extra["id"], sign * self.chance.randint(1, 3), None, None, patient))
        if self.chance.random() < 0.05:
            # Something that hangs on no billable item: a product, or a line typed by hand.
            made.append(
                {
                    **priced("Foam roller, 45 cm", sign, Decimal("33.35"), Decimal(10), None, None),
                    "billable_item_id": None,
                    "code": "",
                    "concession_type_name": "",
                    "tax_name": "GST",
                }
            )
        at = stamp(created)
        removed = {name: invoice[name] for name in ("archived_at", "deleted_at")}
        return [
            {
                "id": draws.new_id("invoice_items", created),
                "invoice_id": invoice["id"],
                "created_at": at,
                "updated_at": removed["archived_at"] or removed["deleted_at"] or at,
                **removed,
                **item,
            }
            for item in made
        ]

    def _item(self, item_id: str, quantity: Decimal, percent: Decimal | None, off: Decimal | None, patient: Row) -> Row:
        item = self.services.item(item_id)
        concession = patient["concession_type_id"]
        reduced = self.services.concession_price(item_id, concession)
        tax_name, rate = self.services.rate(item)
        unit = Decimal(item["price"]) if reduced is None else reduced
        gross = quantity * unit * (1 + rate / _HUNDRED)
        if percent is None and off is None and self.chance.random() < 0.06:
            off = Decimal("20") if gross > 50 else None
        off = -off if off is not None and quantity < 0 else off
        return {
            **priced(item["name"], quantity, unit, rate, percent, off),
            "billable_item_id": item_id,
            "code": item["item_code"],
            "concession_type_name": self.concessions[concession] if concession and reduced is not None else "",
            "tax_name": tax_name,
        }
