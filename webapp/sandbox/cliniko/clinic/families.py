"""People who share an email address, and people who are in the list twice."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

from webapp.sandbox.cliniko.clinic import names
from webapp.sandbox.cliniko.clinic.draws import between

if TYPE_CHECKING:
    from webapp.sandbox.cliniko.clinic.people import People, Person

# Traits of people that never meet in one person, and never in a family.
ALONE = ("sparse", "no_email", "invalid_email", "hostile_name", "merged", "no_birth_date")

# Kind and size, in turn.
KINDS = (
    ("father_and_son", 2),  # the same name
    ("parent_and_children", 4),  # one child has another surname
    ("twins", 2),  # the same birth date
    ("changed_surname", 2),  # one person under the old and the new surname
    ("double", 2),  # one person registered twice; every second time one record is archived
)


def arrange(chance: random.Random, everyone: list[Person], members: list[int]) -> dict[str, list[list[int]]]:
    """Make families of these people; returns them by kind. Nobody is left alone: the last family takes who remains."""
    made: dict[str, list[list[int]]] = {}
    at = 0
    for number, (kind, size) in enumerate(cycle(KINDS)):
        group = sorted(members[at : at + size])
        if len(group) < 2:
            break
        at += size
        people = [everyone[index] for index in group]
        _share_email(people, number)
        _shape(chance, kind, people, number)
        for person in people:
            person.family = kind
        made.setdefault(kind, []).append(group)
    return made


def _share_email(people: list[Person], number: int) -> None:
    email = str(people[0].email)
    for person in people:
        person.email = email
    if number % 3 == 2:
        people[-1].email = email.upper()


def _shape(chance: random.Random, kind: str, people: list[Person], number: int) -> None:
    head, others = people[0], people[1:]
    for person in others:
        person.last, person.place = head.last, head.place
    adult = date(1950, 1, 1) + timedelta(days=chance.randrange(35 * 365))
    if kind == "father_and_son":
        others[0].first = head.first
        head.birth, others[0].birth = adult, adult + timedelta(days=chance.randrange(25 * 365, 32 * 365))
    elif kind == "parent_and_children":
        head.birth = adult
        firsts = [name for name in names.FIRST_NAMES if name != head.first]
        for person, first in zip(others, chance.sample(firsts, len(others)), strict=True):
            person.first = first
            person.birth = adult + timedelta(days=chance.randrange(25 * 365, 35 * 365))
        others[-1].last = _another(chance, head.last)
    elif kind == "twins":
        others[0].first = chance.choice([name for name in names.FIRST_NAMES if name != head.first])
        others[0].birth = head.birth
    else:
        others[0].first, others[0].birth, others[0].preferred = head.first, head.birth, head.preferred
        if kind == "changed_surname":
            others[0].last = _another(chance, head.last)
        elif number // len(KINDS) % 2 == 0:
            people[number // (2 * len(KINDS)) % 2].archived = max(head.created, others[0].created)


def _another(chance: random.Random, last: str) -> str:
    return chance.choice([name for name in names.LAST_NAMES if name != last])


def merge(chance: random.Random, people: People, now: int) -> None:
    """Merge the chosen losers into somebody: every fourth into another loser, so that there are chains of two."""
    everyone, losers = people.everyone, people.traits["merged"]
    special = {index for trait in ALONE for index in people.traits[trait]}
    free = [p.index for p in everyone if p.family is None and p.index not in special]
    if not free:
        people.traits["merged"] = []
        return
    chained = {losers[at]: losers[at + 1] for at in range(0, len(losers) - 1, 4)}
    people.traits["merge_chain"] = [loser for loser in losers if loser in chained]
    # The end of a chain first: the name of the survivor then travels along it.
    for loser in sorted(losers, key=lambda index: index in chained):
        person = everyone[loser]
        target = everyone[chained.get(loser, chance.choice(free))]
        earliest = max(person.created, target.created)
        person.merged_into = target.index
        person.archived = between(chance, earliest, min(now, target.archived or now))
        person.updated = person.archived
        person.first, person.last, person.birth, person.place = target.first, target.last, target.birth, target.place
        if chance.random() < 0.7:
            person.email = target.email
