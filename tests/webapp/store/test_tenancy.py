"""No function of the store reads or changes anything of another account.

Every function is run twice: beside an account that holds the very same ids, and without it. What it returns, and what
it leaves behind of its own account, must be the same, and the other account's rows must not have changed.
"""

import importlib
import inspect
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine

import webapp.store
from tests.support.engines import settings_for
from tests.support.rows import MOMENT
from tests.webapp.store import twins
from tests.webapp.store.tenancy_arguments import ARGUMENTS, NUMBERED, OVER_ALL, SPECIAL
from tests.webapp.store.twins import OURS, THEIRS, without_chance
from webapp import create_app
from webapp.extensions import db
from webapp.store.base import Base


def store_functions() -> dict[str, Callable[..., Any]]:
    """`module.function` of every public function of the store."""
    found = {}
    for module_info in pkgutil.iter_modules(webapp.store.__path__):
        module = importlib.import_module(f"webapp.store.{module_info.name}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{module_info.name}.{name}"] = value
    return found


FUNCTIONS = store_functions()
OF_ONE = sorted(set(FUNCTIONS) - set(OVER_ALL))


def arguments(name: str) -> dict[str, Any]:
    special = SPECIAL[name]() if name in SPECIAL else {}
    made = {}
    for parameter in inspect.signature(FUNCTIONS[name]).parameters.values():
        if parameter.name in special:
            made[parameter.name] = special[parameter.name]
        elif parameter.default is inspect.Parameter.empty:
            assert parameter.name in ARGUMENTS, f"{name}: say in ARGUMENTS or SPECIAL what `{parameter.name}` is"
            made[parameter.name] = ARGUMENTS[parameter.name]
    return made


@dataclass
class World:
    """An application on a database that can be put back to how it was."""

    app: Any
    path: Any
    kept: Any
    ours: Any = None
    theirs: Any = None

    def fresh(self) -> None:
        db.session.remove()
        db.engine.dispose()
        for leftover in self.path.parent.glob(f"{self.path.name}-*"):
            leftover.unlink()
        shutil.copy(self.kept, self.path)


def world(engines, folder, name: str, hub_ids: tuple[int, ...]) -> Iterator[World]:
    path, kept = folder / f"{name}.db", folder / f"{name}.kept"
    with engines.database("sqlite") as url:
        shutil.copy(url.removeprefix("sqlite:///"), path)
    app = create_app(settings_for(f"sqlite:///{path}", "redis://127.0.0.1:1", folder))
    with app.app_context():
        for hub_id in hub_ids:
            twins.seed(hub_id)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
        shutil.copy(path, kept)
        made = World(app, path, kept, twins.rows_of(OURS), twins.rows_of(THEIRS))
    yield made
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def together(engines, tmp_path_factory):
    yield from world(engines, tmp_path_factory.mktemp("together"), "together", (THEIRS, OURS))


@pytest.fixture(scope="module")
def alone(engines, tmp_path_factory):
    yield from world(engines, tmp_path_factory.mktemp("alone"), "alone", (OURS,))


@dataclass(frozen=True)
class Outcome:
    """What a call returned, and what it left in the database."""

    result: Any
    ours: Any
    theirs: Any


def call(place: World, name: str, **changed: Any) -> Outcome:
    with place.app.app_context(), time_machine.travel(MOMENT, tick=False):
        place.fresh()
        result = twins.plain(FUNCTIONS[name](**{**arguments(name), **changed}))
        db.session.commit()
        outcome = Outcome(result, twins.rows_of(OURS), twins.rows_of(THEIRS) if any(place.theirs.values()) else None)
        db.session.remove()
    return outcome


def test_every_function_is_known():
    assert set(OVER_ALL) <= set(FUNCTIONS), "these are gone"
    tenant = {"hub_id", "connection_id", "hub_ids", "lease", "account", "rows", "people"}
    silent = [name for name in OF_ONE if not tenant & set(inspect.signature(FUNCTIONS[name]).parameters)]
    assert silent == [], "name their account, or say in OVER_ALL why they have none"


def test_every_table_belongs_to_accounts_and_holds_rows_of_both(together):
    assert set(twins.SEED) == set(Base.metadata.tables)
    with together.app.app_context():
        together.fresh()
        for hub_id in (OURS, THEIRS):
            assert all(twins.rows_of(hub_id).values())


@pytest.mark.parametrize("name", OF_ONE)
def test_nothing_of_another_account_is_read_or_changed(together, alone, name):
    beside, without = call(together, name), call(alone, name)
    assert beside.theirs == together.theirs
    assert without_chance(beside.result) == without_chance(without.result)
    assert without_chance(beside.ours) == without_chance(without.ours)
    assert str(THEIRS) not in repr(beside.result)
    # Otherwise the call did nothing at all, and the comparison says nothing.
    if not beside.result and beside.ours == together.ours:
        pytest.fail(f"{name} found nothing: give it arguments that do")


@pytest.mark.parametrize(
    "name", [name for name in OF_ONE if set(NUMBERED) & set(inspect.signature(FUNCTIONS[name]).parameters)]
)
def test_the_number_of_another_accounts_row_is_as_good_as_none(together, name):
    foreign = {
        parameter: NUMBERED[parameter]
        for parameter in inspect.signature(FUNCTIONS[name]).parameters
        if parameter in NUMBERED
    }
    outcome = call(together, name, **foreign)
    assert not outcome.result
    assert (outcome.ours, outcome.theirs) == (together.ours, together.theirs)


def test_a_missing_account_in_a_query_would_be_seen(together, alone, monkeypatch):
    """The comparison bites: this one counts over all accounts."""
    from webapp.store.models_sync import Issue

    def careless(hub_id: int) -> int:
        return db.session.query(Issue).count()

    monkeypatch.setitem(FUNCTIONS, "issues.count_open", careless)
    assert call(together, "issues.count_open").result != call(alone, "issues.count_open").result


def test_monitoring_totals_name_no_account(together):
    with together.app.app_context():
        together.fresh()
        text = repr(FUNCTIONS["stats.snapshot"]())
        db.session.remove()
    assert str(OURS) not in text and str(THEIRS) not in text
