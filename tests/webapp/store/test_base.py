"""Column types and small helpers, the same on both engines."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from tests.support.rows import MOMENT, row
from tests.webapp.store.conftest import HUB
from webapp.extensions import db
from webapp.store.base import Base
from webapp.store.models_account import AccountSetting
from webapp.store.models_sync import Lease, StreamState
from webapp.store.sql import chunks, upsert
from webapp.store.stream_rows import add_rows

MELBOURNE = timezone(timedelta(hours=11))


def expiry() -> datetime:
    return db.session.scalar(sa.select(Lease.expires_at))


def lease(**values):
    return {"hub_id": HUB, "name": "patients", "owner": None, "fence": 0, "expires_at": MOMENT, **values}


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=MELBOURNE),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2099, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_times_come_back_as_the_same_moment_in_utc(hub, engine, moment):
    upsert(Lease, [lease(expires_at=moment)], keys=["hub_id", "name"])
    db.session.commit()
    assert expiry() == moment and expiry().tzinfo is UTC


def test_times_are_compared_as_moments(hub, engine):
    upsert(Lease, [lease(expires_at=datetime(2026, 1, 1, 0, 30, tzinfo=MELBOURNE))], keys=["hub_id", "name"])
    early, late = datetime(2025, 12, 31, 13, 29, tzinfo=UTC), datetime(2025, 12, 31, 13, 31, tzinfo=UTC)
    query = sa.select(sa.func.count()).select_from(Lease)
    assert db.session.scalar(query.where(Lease.expires_at > early, Lease.expires_at < late)) == 1
    assert db.session.scalar(query.where(Lease.expires_at < early)) == 0


def test_a_time_without_a_zone_is_a_bug(hub):
    with pytest.raises(sa.exc.StatementError, match="without a zone"):
        upsert(Lease, [lease(expires_at=datetime(2026, 1, 1))], keys=["hub_id", "name"])  # noqa: DTZ001
    db.session.rollback()


def test_an_upsert_overwrites_what_it_names_and_nothing_else(hub, engine):
    keys = ["hub_id", "name"]
    upsert(Lease, [lease(owner="first", fence=1)], keys=keys)
    upsert(Lease, [lease(owner="second", fence=2)], keys=keys, update=["fence"])
    assert db.session.execute(sa.select(Lease.owner, Lease.fence)).one() == ("first", 2)
    upsert(Lease, [lease(owner="third", fence=3)], keys=keys, update=[])
    assert db.session.execute(sa.select(Lease.owner, Lease.fence)).one() == ("first", 2)
    upsert(Lease, [lease(owner="fourth", fence=4)], keys=keys)
    assert db.session.execute(sa.select(Lease.owner, Lease.fence)).one() == ("fourth", 4)


def test_an_upsert_of_nothing_does_nothing(app):
    upsert(Lease, [], keys=["hub_id", "name"])


def test_json_keeps_its_types(hub, engine):
    values = [None, True, 0, 1.5, "text", [1, "a"], {"Zoë": {"b": None}}]
    for number, value in enumerate(values):
        made = {"hub_id": hub, "name": f"n{number}", "value": value, "updated_at": MOMENT}
        upsert(AccountSetting, [made], keys=["hub_id", "name"])
    stored = db.session.scalars(sa.select(AccountSetting.value).order_by(AccountSetting.name)).all()
    assert stored == values and [type(one) for one in stored] == [type(one) for one in values]


@pytest.mark.parametrize(
    ("number", "sizes"), [(0, []), (1, [1]), (500, [500]), (501, [500, 1]), (1200, [500, 500, 200])]
)
def test_ids_go_in_pieces(number, sizes):
    pieces = list(chunks(list(range(number))))
    assert [len(piece) for piece in pieces] == sizes
    assert [one for piece in pieces for one in piece] == list(range(number))


def test_rows_of_a_gone_account_go_with_it(hub, engine):
    """The database itself keeps no row of an account that is not there, on SQLite as well."""
    add_rows(hub, ["patients"])
    db.session.commit()
    account = Base.metadata.tables["account"]
    db.session.execute(account.delete().where(account.c.hub_id == hub))
    db.session.commit()
    assert db.session.scalars(sa.select(StreamState)).all() == []
    with pytest.raises(sa.exc.IntegrityError):
        add_rows(hub, ["patients"])
    db.session.rollback()


def test_a_row_of_a_connection_needs_its_connection(hub, engine):
    person = Base.metadata.tables["person"]
    with pytest.raises(sa.exc.IntegrityError):
        db.session.execute(person.insert(), [row(person, hub_id=hub, connection_id=404)])
    db.session.rollback()
