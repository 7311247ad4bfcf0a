"""Who the patients are: names, families, birth dates, addresses, and the trouble that real lists have."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from webapp.sandbox.cliniko.clinic import families, names, places
from webapp.sandbox.cliniko.clinic.draws import DAY, HOUR, Draws, Row, between, chosen, day_between, moment
from webapp.sandbox.cliniko.clinic.places import Place

# What part of all patients has each trait. The six of families.ALONE never meet in one person, nor in a family; the
# others may meet anything.
PATIENT_SHARES = {
    "family": 0.15,  # shares an address with others on purpose: see families.py
    "sparse": 0.06,  # nothing but names
    "no_email": 0.10,  # on top of the sparse ones
    "invalid_email": 0.015,
    "hostile_name": 0.04,
    "merged": 0.02,  # every fourth begins a chain of two
    "no_birth_date": 0.08,  # on top of the sparse ones
    "email_case": 0.04,  # typed with capitals
    "spaced_email": 0.005,  # typed with blanks around it
    "preferred_name": 0.10,
    "archived": 0.04,  # never merged ones, never survivors
    "several_phones": 0.15,
    "odd_phone": 0.06,
    "no_phone": 0.08,
    "foreign": 0.08,
    "leap_birthday": 0.005,
    "placeholder_birth_date": 0.004,
    "pronouns": 0.05,
    "concession": 0.12,
    "custom_fields": 0.03,
    "missing_keys": 0.03,  # records of an older shape, without some newer fields
    "same_second": 0.15,  # changed in bulk: dozens share one `updated_at`
    "imported": 0.05,  # came with the clinic's old list: all made in one second
}
YEARS_OF_HISTORY = 8
BULK_SIZE = (24, 60)

_DOMAINS = ("example.com", "example.org", "mail.example.net", "post.example")
INVALID_EMAILS = (
    "ana@@x",
    "none",
    "peter.example.com",
    "mary@localhost",
    "unknown@",
    "tom @example.com",
    "a..b@example.com",
    ".dot@example.com",
    "two@example.com; three@example.com",
    "@",
    "josé@exämple.com",
    "x" * 65 + "@example.com",
)


@dataclass(slots=True)
class Person:
    """One patient before it becomes a row; `created`, `updated` and `archived` are seconds since 1970."""

    index: int
    created: int
    updated: int
    first: str
    last: str
    birth: date | None
    place: Place
    email: str | None
    preferred: str | None = None
    phones: list[Row] = field(default_factory=list)
    family: str | None = None
    archived: int | None = None
    merged_into: int | None = None


@dataclass
class People:
    """All patients in the order they were made, and which of them (by index) have which trait."""

    everyone: list[Person]
    traits: dict[str, list[int]]
    families: dict[str, list[list[int]]]

    def survivor(self, index: int) -> int:
        """Whoever is left after all merges of this one."""
        person = self.everyone[index]
        while person.merged_into is not None:
            person = self.everyone[person.merged_into]
        return person.index


def make_people(draws: Draws, count: int) -> People:
    chance = draws.stream("people")
    everyone = [_ordinary(chance, draws, index, created) for index, created in enumerate(_created(draws, count))]
    anyone = range(count)
    traits: dict[str, list[int]] = {}
    # 12 people are one family of every kind.
    members = chosen(chance, anyone, PATIENT_SHARES["family"], at_least=12)
    groups = families.arrange(chance, everyone, members)
    traits["family"] = sorted(index for kind in groups.values() for group in kind for index in group)
    single = [index for index in anyone if everyone[index].family is None]
    chance.shuffle(single)
    for trait in families.ALONE:
        at_least = 3 if trait == "merged" else 1
        # A share of all people, taken from a part of them; nobody has two of these.
        traits[trait] = chosen(chance, single, PATIENT_SHARES[trait] * count / max(len(single), 1), at_least=at_least)
        taken = set(traits[trait])
        single = [index for index in single if index not in taken]
    for trait in PATIENT_SHARES:
        if trait not in traits:
            traits[trait] = chosen(chance, anyone, PATIENT_SHARES[trait])
    traits["imported"] = list(range(_imported(count)))
    people = People(everyone, traits, groups)
    _give(chance, people)
    _emails(traits, everyone)
    families.merge(chance, people, draws.now)
    _archive(chance, people, draws.now)
    _bulk_changes(chance, people, draws.now)
    traits["doubles_archived"] = [i for group in groups.get("double", []) for i in group if everyone[i].archived]
    return people


def _imported(count: int) -> int:
    return round(count * PATIENT_SHARES["imported"])


def _created(draws: Draws, count: int) -> list[int]:
    chance = draws.stream("created")
    start = draws.now - YEARS_OF_HISTORY * 365 * DAY
    rest = count - _imported(count)
    return [start] * _imported(count) + sorted(between(chance, start + DAY, draws.now - HOUR) for _ in range(rest))


def _ordinary(chance: random.Random, draws: Draws, index: int, created: int) -> Person:
    first, last = chance.choice(names.FIRST_NAMES), chance.choice(names.LAST_NAMES)
    today = moment(draws.now).date()
    birth = day_between(chance, today - timedelta(days=95 * 365), today - timedelta(days=30))
    # Most records rest; some were touched lately, a few within the hour.
    age = draws.now - created
    updated = draws.now - int(age * chance.random() ** 2) if chance.random() < 0.6 else created
    place = places.AUSTRALIA if chance.random() < 0.85 else places.NEW_ZEALAND
    email = f"{names.local_part(first, last, index)}@{chance.choice(_DOMAINS)}"
    return Person(index, created, updated, first, last, birth, place, email)


def _give(chance: random.Random, people: People) -> None:
    everyone, traits = people.everyone, people.traits
    for place, index in enumerate(traits["hostile_name"]):
        person = everyone[index]
        person.first, person.last = names.HOSTILE_NAMES[place % len(names.HOSTILE_NAMES)]
        if person.email:
            person.email = f"p{index}@{_DOMAINS[index % len(_DOMAINS)]}"
    for index in traits["preferred_name"]:
        person = everyone[index]
        # Some people type the same name twice, some a space.
        person.preferred = chance.choice((names.PREFERRED.get(person.first, person.first[:3]), person.first, " "))
    for index in traits["leap_birthday"]:
        everyone[index].birth = date(chance.randrange(1936, 2024, 4), 2, 29)
    for index in traits["placeholder_birth_date"]:
        everyone[index].birth = date(1900, 1, 1)
    for index in (*traits["no_birth_date"], *traits["sparse"]):
        everyone[index].birth = None
    for index in traits["foreign"]:
        everyone[index].place = places.FOREIGN[index % len(places.FOREIGN)]
    without, several, sparse = set(traits["no_phone"]), set(traits["several_phones"]), set(traits["sparse"])
    for person in everyone:
        if person.index not in without and person.index not in sparse:
            kinds = _kinds(chance, person.index in several)
            person.phones = [places.phone(chance, person.place, kind) for kind in kinds]
    traits["odd_phone"] = [index for index in traits["odd_phone"] if index not in sparse]
    for style, index in enumerate(traits["odd_phone"]):
        person = everyone[index]
        entry = places.odd_phone(chance, person.place, chance.choice(("Mobile", "Home")), style)
        person.phones = [entry, *person.phones[1:]]


def _kinds(chance: random.Random, several: bool) -> Sequence[str]:
    if not several:
        return (chance.choice(("Mobile", "Mobile", "Mobile", "Home", "Work", "Other")),)
    return chance.choice(
        (
            ("Mobile", "Home"),
            ("Mobile", "Mobile", "Home"),
            ("Home", "Home", "Work", "Mobile"),
            ("Work", "Fax", "Other"),
            ("Mobile", "Home", "Work", "Fax", "Other", "Mobile", "Home"),
        )
    )


def _emails(traits: dict[str, list[int]], everyone: list[Person]) -> None:
    without = {*traits["no_email"], *traits["sparse"]}
    for index in without:
        everyone[index].email = None
    for place, index in enumerate(traits["invalid_email"]):
        everyone[index].email = INVALID_EMAILS[place % len(INVALID_EMAILS)]
    untouched = {*without, *traits["invalid_email"]}
    traits["email_case"] = [index for index in traits["email_case"] if index not in untouched]
    for index in traits["email_case"]:
        everyone[index].email = str(everyone[index].email).title()
    traits["spaced_email"] = [index for index in traits["spaced_email"] if index not in untouched]
    for index in traits["spaced_email"]:
        everyone[index].email = f" {everyone[index].email} "


def _archive(chance: random.Random, people: People, now: int) -> None:
    kept = [index for index in people.traits["archived"] if people.everyone[index].archived is None]
    survivors = {person.merged_into for person in people.everyone if person.merged_into is not None}
    people.traits["archived"] = [index for index in kept if index not in survivors]
    for index in people.traits["archived"]:
        person = people.everyone[index]
        person.archived = between(chance, person.created, now)
        if chance.random() < 0.7:  # the rest stands for archiving that does not move updated_at
            person.updated = person.archived
        else:
            person.updated = min(person.updated, person.archived)


def _bulk_changes(chance: random.Random, people: People, now: int) -> None:
    """Somebody edits dozens at once: they share one whole second."""
    rest = list(people.traits["same_second"])
    while rest:
        size = chance.randint(*BULK_SIZE)
        if len(rest) - size < BULK_SIZE[0]:
            size = len(rest)
        group, rest = rest[:size], rest[size:]
        latest = max(max(people.everyone[i].created, people.everyone[i].archived or 0) for i in group)
        at = between(chance, latest, now)
        for index in group:
            people.everyone[index].updated = at
