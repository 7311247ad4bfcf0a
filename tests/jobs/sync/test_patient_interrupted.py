"""Killed anywhere, the next run ends as if nothing had happened: nobody twice, nobody lost, nothing left half done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.sync.keeper import Keeper
from tests.jobs.sync.quick import QuickClinics
from tests.support.clinic import Clinic
from tests.support.people import add_lead, add_patient, edit, keys, links, open_issues, reviews, rules, work_items
from webapp.clients.calling import Caller
from webapp.extensions import db
from webapp.store.leases import TTL

VARYING = {"hs_object_id", "lastmodifieddate", "createdate", "hs_createdate", "cliniko_synced_at"}
CREATED = "2026-01-01T00:00:00Z"
HOME, OTHER, THIRD = "home@example.com", "other@example.com", "third@example.com"


class Killed(BaseException):
    """What a process does not survive."""


class Sword:
    """Falls at the n-th step. What happens after one step is the same as what happens before the next.

    `dead`: the process is gone with it, so that no clean-up reaches the database; the steps are calls and commits, for
    a transaction leaves the same behind wherever the process dies in it. Otherwise it was an exception from anywhere,
    such as a time limit, and clean-up runs; the steps are the changes of the database under the identity lock, so that
    half a transaction is there to be undone."""

    def __init__(self, falls_at: int, *, dead: bool) -> None:
        self.falls_at, self.dead = falls_at, dead
        self.steps = 0
        self.fallen = False
        self.keeper: Keeper | None = None

    def step(self) -> None:
        if self.fallen and self.dead:
            raise Killed
        self.steps += 1
        if self.steps == self.falls_at:
            self.fallen = True
            raise Killed

    def over(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            return function(*args, **kwargs)

        return wrapped

    def over_changes(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(statement: Any, *args: Any, **kwargs: Any) -> Any:
            locked = self.keeper is not None and self.keeper._identity is not None
            if locked and getattr(statement, "is_dml", False):
                self.step()
            return execute(statement, *args, **kwargs)

        return wrapped

    def noted(self, guard: Callable[[Keeper], None]) -> Callable[[Keeper], None]:
        def wrapped(keeper: Keeper) -> None:
            self.keeper = keeper
            guard(keeper)

        return wrapped


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch, sword: Sword) -> Iterator[None]:
    with monkeypatch.context() as patch:
        if sword.dead:
            patch.setattr(Caller, "run", sword.over(Caller.run))
            patch.setattr(db.session, "commit", sword.over(db.session.commit))
        else:
            patch.setattr(Keeper, "guard", sword.noted(Keeper.guard))
            patch.setattr(db.session, "execute", sword.over_changes(db.session.execute))
        yield


def story(clinic: Clinic) -> list[Callable[[], Any]]:
    """What happens in a clinic: before the first cycle, and before the second."""
    ids: list[str] = []

    def beginning() -> None:
        add_lead(clinic, email=HOME, firstname="Ana", lastname="Ruiz")
        add_lead(clinic, email=THIRD, firstname="Maria", lastname="Ruiz")
        people = (("Ana", HOME), ("Ben", OTHER), ("Cleo", OTHER), ("Dora", THIRD))
        ids.extend(
            add_patient(clinic, name, "Ruiz", mail, id=str(100 + n), created_at=CREATED)
            for n, (name, mail) in enumerate(people)
        )

    def later_on() -> None:
        edit(clinic, ids[0], email=OTHER)
        edit(clinic, ids[1], email=HOME, city="Perth")
        edit(clinic, ids[3], email="not an address")
        add_patient(clinic, "Eve", "Lim", HOME, id="99", created_at=CREATED, updated_at=clinic.account.stamp())

    return [beginning, later_on]


def outcome(clinic: Clinic) -> dict[str, Any]:
    """All that a person could see, without ids of HubSpot and times."""
    rows = {
        cliniko_id: (link.state, link.shared_email, link.digest is not None, link.withheld_hmac is not None)
        for cliniko_id, link in links(clinic).items()
    }
    contacts = [
        # Keys carry the number of the Cliniko account. Whether an address was shared for a moment makes no difference.
        {n: v.replace(f"{clinic.account.id}:", "account:") for n, v in sorted(p.items()) if n not in VARYING}
        for p in ({"cliniko_shared_email": "false", **contact} for contact in clinic.contacts().values())
    ]
    return {
        "links": rows,
        "contacts": sorted(contacts, key=lambda shown: sorted(shown.items())),
        "issues": {(who, cause, field) for who, cause, field in open_issues(clinic)},
        "reviews": {(r.cliniko_id, r.cause) for r in reviews(clinic) if r.state == "open"},
        "work": work_items(clinic),
    }


def play(clinic: Clinic, upto: int) -> None:
    """The story without an interruption."""
    for event in story(clinic)[:upto]:
        event()
        assert clinic.cycle("patients")["patients"].outcome == "done"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dead", [True, False], ids=["killed", "thrown out"])
@pytest.mark.parametrize("chapter", [0, 1], ids=["first sync", "changes"])
def test_a_cycle_that_is_cut_off_anywhere(clinics, monkeypatch, time_machine, chapter, dead):
    quick = QuickClinics(clinics)
    undisturbed = quick.make()
    play(undisturbed, chapter + 1)
    expected, by_rule = outcome(undisturbed), rules(undisturbed)
    place, finished = 0, False
    while not finished:
        place += 1
        clinic = quick.make()
        events = story(clinic)
        for event in events[:chapter]:
            event()
            clinic.cycle("patients")
        events[chapter]()
        sword = Sword(place, dead=dead)
        with hanging(monkeypatch, sword):
            try:
                clinic.cycle("patients")
                finished = True
            except Killed:
                pass
        db.session.remove()
        # What was not given back runs out by itself.
        time_machine.move_to(datetime.now(UTC) + TTL + timedelta(seconds=1))
        result = clinic.cycle("patients")["patients"]
        assert result.outcome == "done", (place, result)
        assert outcome(clinic) == expected, f"cut off at step {place}"
        assert chapter or rules(clinic) == by_rule, f"cut off at step {place}"
        assert set(keys(clinic).values()) == {1}
    assert place > (20 if dead else 10), "the sword hung over the whole cycle"
    print(f"\n{place - 1} places", end="")
