"""Addresses and phone numbers as reception types them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from webapp.sandbox.cliniko.clinic.draws import Row


@dataclass(frozen=True)
class Place:
    """A country with its towns as (city, state, post code) and its numbers: national, `#` is any digit."""

    code: str
    country: str
    towns: tuple[tuple[str, str, str], ...]
    mobile: str
    landline: str
    prefix: str
    trunk: str
    time_zone: str


AUSTRALIA = Place(
    "AU",
    "Australia",
    (
        ("Melbourne", "VIC", "3000"),
        ("St Kilda", "VIC", "3182"),
        ("Geelong", "Victoria", "3220"),
        ("Hobart", "TAS", "7000"),
        ("Darwin", "NT", "0800"),
        ("Wagga Wagga", "NSW", "2650"),
    ),
    "491 57# ###",
    "3 5550 ####",
    "61",
    "0",
    "Australia/Melbourne",
)
NEW_ZEALAND = Place(
    "NZ",
    "New Zealand",
    (("Auckland", "", "1010"), ("Whangārei", "Northland", "0110"), ("Wellington", "", "6011")),
    "21 555 ####",
    "9 555 ####",
    "64",
    "0",
    "Pacific/Auckland",
)
FOREIGN = (
    Place(
        "GB",
        "United Kingdom",
        (("London", "", "SW1A 1AA"), ("Leeds", "West Yorkshire", "LS1 4AP")),
        "7911 123###",
        "20 7946 0###",
        "44",
        "0",
        "Europe/London",
    ),
    Place(
        "US",
        "United States",
        (("Honolulu", "HI", "96813"), ("Boston", "MA", "02108")),
        "808 555 01##",
        "617 555 01##",
        "1",
        "",
        "Pacific/Honolulu",
    ),
    Place("DE", "Germany", (("Köln", "NRW", "50667"),), "151 2345 ####", "221 9876 ###", "49", "0", "Europe/Berlin"),
    Place("CN", "China", (("上海", "上海市", "200000"),), "138 1234 ####", "21 5555 ####", "86", "0", "Asia/Shanghai"),
    Place("IE", "Ireland", (("Dublin", "", "D02 AF30"),), "85 012 ####", "1 555 ####", "353", "0", "Europe/Dublin"),
)
STREETS = ("Smith Street", "Harbour Road", "O'Connell St", "Rue de l'Église", "Station Parade", "The Esplanade")

# What stands in the number field when somebody was in a hurry.
ODD_NUMBERS = (
    "{intl}",
    "+{intl}",
    "+{prefix} (0){national}",
    "{trunk}{dashed}",
    "{trunk}{plain} (mum)",
    "{trunk}{plain} ext 12",
    "{trunk}{plain} / {trunk}{plain}",
    " {trunk}{plain} ",
    "０{plain}",
    "0011 {prefix} {national}",
    "ask at front desk",
    "{short}",
    "",
    "call after 5: {trunk}{plain}",
    "({trunk}{area}) {rest}",
    "'{trunk}{plain}",
)


def address(chance: random.Random, place: Place) -> Row:
    city, state, post_code = chance.choice(place.towns)
    return {
        "address_1": f"{chance.randint(1, 300)} {chance.choice(STREETS)}",
        "address_2": chance.choice(("", "", "", None, "Unit 4", "Level 2, “The Mill”")),
        "address_3": chance.choice(("", "", None, "c/o Reception")),
        "city": city,
        "state": state,
        "post_code": post_code,
        "country": place.country,
        "country_code": place.code,
    }


def phone(chance: random.Random, place: Place, kind: str) -> Row:
    """One entry in the usual form, with the digits as Cliniko reads them."""
    pattern = place.landline if kind in ("Home", "Work", "Fax") else place.mobile
    national = "".join(str(chance.randint(0, 9)) if character == "#" else character for character in pattern)
    digits = national.replace(" ", "")
    return {"phone_type": kind, "number": place.trunk + national, "normalized_number": place.prefix + digits}


def odd_phone(chance: random.Random, place: Place, kind: str, style: int) -> Row:
    """One entry as nobody should type it; `style` picks how, so that every way occurs."""
    usual = phone(chance, place, kind)
    national = str(usual["number"]).removeprefix(place.trunk)
    plain = national.replace(" ", "")
    area, _, rest = national.partition(" ")
    number = ODD_NUMBERS[style % len(ODD_NUMBERS)].format(
        intl=usual["normalized_number"],
        prefix=place.prefix,
        trunk=place.trunk,
        national=national,
        plain=plain,
        dashed=national.replace(" ", "-"),
        short=plain[-6:],
        area=area,
        rest=rest,
    )
    entry: Row = {"phone_type": kind, "number": number}
    if any(character.isdigit() for character in number):
        entry["normalized_number"] = usual["normalized_number"]
    return entry
