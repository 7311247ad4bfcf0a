"""Made-up households for the property test: who is in them, whom HubSpot knows already, and what happens meanwhile."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

FIRST = ("Ana", "Ben", "Cleo")
LAST = ("Ruiz", "Gomez")
EMAILS = ("a@home.example", "b@home.example", "c@home.example", "d@home.example")
BIRTHS = ("1960-05-01", "1990-05-01")
# Numbers of different lengths, so that ordering them as text would be another order.
IDS = ("7", "12", "105", "836447129235883061", "9", "1004", "88", "836447129235883059", "31", "2")
CREATED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Person:
    """A patient. `merged_into` is the place of another one in the list."""

    first: str
    last: str
    email: str | None
    preferred: str | None = None
    birth: str | None = None
    archived: bool = False
    merged_into: int | None = None

    def row(self) -> dict[str, Any]:
        return {
            "first_name": self.first,
            "last_name": self.last,
            "preferred_first_name": self.preferred,
            "email": self.email,
            "date_of_birth": self.birth,
            "archived_at": CREATED if self.archived or self.merged_into is not None else None,
            "merged_at": CREATED if self.merged_into is not None else None,
        }


@dataclass(frozen=True)
class Lead:
    """A contact that somebody made in HubSpot: with any part of a name, and one or two addresses."""

    email: str
    second: str | None = None
    first: str | None = None
    last: str | None = None
    birth: str | None = None

    def properties(self) -> dict[str, str]:
        found = {
            "email": self.email,
            "hs_additional_emails": self.second,
            "firstname": self.first,
            "lastname": self.last,
            "date_of_birth": self.birth,
            "city": "typed by a person",
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True)
class Edit:
    """What happens between two cycles. `who` and `other` are places in the list of patients, modulo its length."""

    what: str
    who: int = 0
    other: int = 0
    value: Any = None


@dataclass(frozen=True)
class Plan:
    people: tuple[Person, ...]
    ids: tuple[str, ...]
    leads: tuple[Lead, ...]
    rounds: tuple[tuple[Edit, ...], ...]
    any_address: bool


birth = st.sampled_from([None, *BIRTHS])
people = st.builds(
    Person,
    first=st.sampled_from(FIRST),
    last=st.sampled_from(LAST),
    email=st.sampled_from([EMAILS[0], EMAILS[0], EMAILS[0], EMAILS[1], EMAILS[2], None]),
    preferred=st.sampled_from([None, None, None, "Ana"]),
    birth=birth,
    archived=st.sampled_from([False, False, False, True]),
)
# No name, either name alone, and whole names.
names = st.one_of(
    st.just((None, None)),
    st.tuples(st.sampled_from(FIRST), st.none()),
    st.tuples(st.none(), st.sampled_from(LAST)),
    st.tuples(st.sampled_from(FIRST), st.sampled_from(LAST)),
    st.tuples(st.just(FIRST[0]), st.just(LAST[0])),
)
leads = st.builds(
    lambda name, **more: Lead(first=name[0], last=name[1], **more),
    name=names,
    email=st.sampled_from([EMAILS[0], EMAILS[0], *EMAILS]),
    second=st.sampled_from([None, None, None, *EMAILS]),
    birth=birth,
)
place = st.integers(0, 9)
address = st.builds(Edit, st.just("email"), place, value=st.sampled_from([*EMAILS, *EMAILS, None, "no address"]))
edits = st.one_of(
    address,
    address,
    st.builds(Edit, st.just("swap"), place, place),
    st.builds(Edit, st.just("swap"), place, place),
    st.builds(Edit, st.just("last_name"), place, value=st.sampled_from([*LAST, "Lim"])),
    st.builds(Edit, st.just("archived"), place, value=st.booleans()),
    st.builds(Edit, st.just("city"), place, value=st.sampled_from(["Perth", "Hobart", None])),
    st.builds(Edit, st.just("patient"), value=people),
    st.builds(Edit, st.just("patient"), value=people),
    st.builds(Edit, st.just("lead"), value=leads),
)


HOME = EMAILS[0]
ANA, BEN = Person("Ana", "Ruiz", HOME), Person("Ben", "Ruiz", EMAILS[1])
# What must turn up in every run; chance adds people, contacts and edits to each.
HOUSEHOLDS: tuple[tuple[tuple[Person, ...], tuple[Lead, ...], tuple[Edit, ...], tuple[Edit, ...]], ...] = (
    ((), (), (), ()),
    # Father and son of one name.
    ((replace(ANA, birth=BIRTHS[0]), replace(ANA, birth=BIRTHS[1])), (Lead(HOME, first="Ana", last="Ruiz"),), (), ()),
    # Twins, and a contact with their last name only.
    ((ANA, replace(BEN, email=HOME)), (Lead(HOME, last="Ruiz"),), (), ()),
    # A contact without names that could be either, or only the one.
    ((ANA, replace(BEN, email=HOME)), (Lead(HOME),), (), ()),
    ((ANA,), (Lead(HOME),), (), (Edit("patient", value=replace(BEN, email=HOME)),)),
    # Somebody else of the same name; a changed surname; half a name.
    ((replace(ANA, birth=BIRTHS[1]),), (Lead(HOME, first="Ana", last="Ruiz", birth=BIRTHS[0]),), (), ()),
    ((ANA,), (Lead(HOME, first="Ana", last="Gomez"),), (Edit("last_name", 0, value="Gomez"),), ()),
    (
        (replace(ANA, preferred="Ben"), BEN),
        (Lead(HOME, first="Ben"), Lead(EMAILS[1], first="Ben", last="Ruiz")),
        (),
        (),
    ),
    # A secondary address.
    ((ANA,), (Lead(EMAILS[3], second=HOME, first="Ana", last="Ruiz"),), (Edit("email", 0, value=EMAILS[1]),), ()),
    # Addresses that swap in one batch, that are handed on, and that are taken and given back.
    ((ANA, BEN), (), (Edit("swap", 0, 1),), (Edit("swap", 0, 1),)),
    ((ANA,), (), (Edit("email", 0, value=EMAILS[3]), Edit("patient", value=Person("Cleo", "Lim", HOME))), ()),
    ((ANA, BEN), (), (Edit("email", 1, value=HOME),), (Edit("email", 0, value=EMAILS[2]),)),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    found, known, *rounds = draw(st.sampled_from(HOUSEHOLDS))
    everybody = [*found, *draw(st.lists(people, min_size=0 if found else 2, max_size=2 if found else 4))]
    if draw(st.sampled_from([False, False, False, True])):
        # Merged into the first one, long ago.
        everybody.append(Person(everybody[0].first, everybody[0].last, everybody[0].email, merged_into=0))
    return Plan(
        people=tuple(everybody),
        ids=tuple(draw(st.permutations(IDS))),
        leads=(*known, *draw(st.lists(leads, max_size=2))),
        rounds=tuple((*fixed, *draw(st.lists(edits, max_size=3))) for fixed in rounds),
        any_address=draw(st.sampled_from([True, True, True, False])),
    )
