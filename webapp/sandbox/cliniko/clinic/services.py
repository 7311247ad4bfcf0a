"""What the clinic sells: taxes, billable items, appointment types with what each bills, concession prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from webapp.sandbox.cliniko.clinic.draws import DAY, Draws, Row, stamp

# code: name, price, which tax, kind
_ITEMS: dict[str, tuple[str, str, str | None, str]] = {
    "INI": ("Initial consultation", "110.0", "GST", "Service"),
    "STD": ("Standard consultation", "82.5", "GST", "Service"),
    "MAS": ("Remedial massage", "95.0", None, "Service"),
    "TRV": ("Travel per 10 km", "12.35", "GST", "Service"),
    "CLS": ("Class", "25.0", None, "Service"),
    "NZC": ("Consultation (NZ)", "99.99", "GST (NZ)", "Service"),
    "BND": ("Resistance band", "19.95", "GST", "Product"),
    "REP": ("Report for an insurer", "2367.18", None, "Other"),
    "FRE": ("Follow-up call", "0.0", None, "Service"),
    "OLD": ("Price of the old list", "70.0", "GST", "Service"),
}
# name: minutes, how many people at once, category, archived, lines of (item, quantity, percent off, money off)
_Line = tuple[str, str, str | None, str | None]
_TYPES: dict[str, tuple[int, int, str | None, bool, tuple[_Line, ...]]] = {
    "Initial Consultation": (60, 1, "Physiotherapy", False, (("INI", "1.0", None, None),)),
    "Standard Consultation": (30, 1, "Physiotherapy", False, (("STD", "1.0", None, None),)),
    "Long visit & massage": (75, 1, "Physiotherapy", False, (("STD", "1.0", "10.0", None), ("MAS", "0.5", None, None))),
    "Home visit": (45, 1, None, False, (("STD", "1.0", None, "5.0"), ("TRV", "3.0", None, None))),
    "Consultation <NZ>": (40, 1, "", False, (("NZC", "1.0", None, None),)),
    "Telehealth check": (15, 1, "Telehealth", False, ()),
    "Follow-up call": (10, 1, None, False, (("FRE", "1.0", None, None),)),
    "First visit (old)": (45, 1, None, True, ()),
    "Pilates class": (50, 10, "Classes", False, (("CLS", "1.0", None, None),)),
    "Hydrotherapy": (45, 5, "Classes", False, (("CLS", "2.0", "15.0", None),)),
}
# How often each type is booked, in the order above; the group types are chosen on their own.
INDIVIDUAL_WEIGHTS = (14, 45, 10, 6, 8, 8, 5, 4)
GROUP_WEIGHTS = (70, 30)


@dataclass(frozen=True)
class Line:
    """One line that an appointment type bills."""

    item_id: str
    quantity: Decimal
    percent_off: Decimal | None
    money_off: Decimal | None


@dataclass(frozen=True)
class Services:
    """The rows, and what bookings and invoices need of them by id."""

    taxes: list[Row]
    items: list[Row]
    types: list[Row]
    joins: list[Row]
    concession_prices: list[Row]
    lines: dict[str, list[Line]]

    @property
    def individual(self) -> list[Row]:
        return [row for row in self.types if row["max_attendees"] == 1]

    @property
    def group(self) -> list[Row]:
        return [row for row in self.types if row["max_attendees"] > 1]

    def item(self, item_id: str) -> Row:
        return next(row for row in self.items if row["id"] == item_id)

    def rate(self, item: Row) -> tuple[str | None, Decimal]:
        """Name and per cent of an item's tax."""
        for tax in self.taxes:
            if tax["id"] == item["tax_id"]:
                return tax["name"], Decimal(tax["rate"])
        return None, Decimal(0)

    def concession_price(self, item_id: str, concession_id: str | None) -> Decimal | None:
        for row in self.concession_prices:
            if row["billable_item_id"] == item_id and row["concession_type_id"] == concession_id and row["price"]:
                return Decimal(row["price"])
        return None


def make_services(draws: Draws, start: int, concession_ids: list[str]) -> Services:
    taxes = [
        {"id": draws.new_id("taxes", start), "name": name, "rate": rate, "amount": rate, **_times(start)}
        for name, rate in (("GST", "10.0"), ("GST (NZ)", "15.0"))
    ]
    tax_ids = {row["name"]: row["id"] for row in taxes}
    items = {code: _item(draws, start, code, *fields, tax_ids) for code, fields in _ITEMS.items()}
    types, joins, lines = [], [], {}
    for number, (name, (minutes, places, category, archived, listed)) in enumerate(_TYPES.items()):
        kind = _type(draws, start, number, name, minutes, places, category, archived)
        types.append(kind)
        if name == "First visit (old)":
            # An account from before there were joins: the one item hangs on the type itself.
            kind["billable_item_id"] = items["OLD"]["id"]
            listed = (("OLD", "1.0", None, None),)
        else:
            joins += [_join(draws, start, kind["id"], items[line[0]]["id"], line) for line in listed]
        lines[kind["id"]] = [
            Line(items[code]["id"], Decimal(quantity), percent and Decimal(percent), money and Decimal(money))  # type: ignore[arg-type]
            for code, quantity, percent, money in listed
        ]
    prices = (("STD", 0, "60.0"), ("STD", 1, "70.5"), ("INI", 0, "88.0"), ("INI", 2, None), ("CLS", 1, "0.0"))
    concession_prices = [
        {
            "id": draws.new_id("concession_prices", start),
            "billable_item_id": items[code]["id"],
            "concession_type_id": concession_ids[place],
            "price": price,
            **_times(start),
        }
        for code, place, price in prices
    ]
    return Services(taxes, list(items.values()), types, joins, concession_prices, lines)


def _times(created: int) -> Row:
    return {"created_at": stamp(created), "updated_at": stamp(created)}


def _item(
    draws: Draws, start: int, code: str, name: str, price: str, tax: str | None, kind: str, tax_ids: dict[str, str]
) -> Row:
    return {
        "id": draws.new_id("billable_items", start),
        "archived_at": stamp(start + 900 * DAY) if code == "OLD" else None,
        "item_code": code,
        "item_type": kind,
        "name": name,
        "price": price,
        "tax_id": tax_ids[tax] if tax else None,
        **_times(start),
    }


def _type(
    draws: Draws, start: int, number: int, name: str, minutes: int, places: int, category: str | None, archived: bool
) -> Row:
    return {
        "id": draws.new_id("appointment_types", start),
        "add_deposit_to_account_credit": None,
        "appointment_confirmation_template_ids": [],
        "appointment_follow_up_template_ids": [],
        "appointment_reminder_template_ids": [],
        "archived_at": stamp(start + 900 * DAY) if archived else None,
        "billable_item_id": None,
        "category": category,
        "color": f"#{(number * 1_234_567) % 0xFFFFFF:06X}",
        "deposit_price": None,
        "description": None,
        "duration_in_minutes": minutes,
        "max_attendees": places,
        "name": name,
        "online_bookings_lead_time_hours": None,
        "online_payments_enabled": None,
        "online_payments_mode": None,
        "show_in_online_bookings": not archived,
        "telehealth_enabled": name.startswith("Telehealth"),
        **_times(start),
    }


def _join(draws: Draws, start: int, type_id: str, item_id: str, line: _Line) -> Row:
    _, quantity, percent, money = line
    return {
        "id": draws.new_id("appointment_type_billable_items", start),
        "appointment_type_id": type_id,
        "billable_item_id": item_id,
        "discount_percentage": percent,
        "discounted_amount": money,
        "is_monetary_discount": money is not None if money or percent else None,
        "quantity": quantity,
        **_times(start),
    }
