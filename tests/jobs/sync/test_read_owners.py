"""What the settings page shows of owners comes from both services by a job, read anew when a person asks."""

import pytest

from jobs.tasks.connect import OWNERS, read_owners
from tests.jobs.sync.practice import Practice
from tests.support.people import connection_id
from webapp import progress
from webapp.extensions import db
from webapp.store import accounts
from webapp.views.owner_lists import owner_lists


@pytest.fixture
def practice(clinic) -> Practice:
    return Practice(clinic)


def rows(clinic, by_hand=None):
    found = owner_lists(connection_id(clinic), by_hand or {})
    db.session.rollback()
    return found


def test_lists_are_read_kept_and_read_anew(clinic, practice):
    assert not rows(clinic).known
    read_owners(clinic.hub_id)
    (row,) = rows(clinic).rows
    assert (row.id, row.how) == (practice.practitioner, "email") and row.owner_id
    practice.edit("users", practice.user, email="other@clinic.example")
    read_owners(clinic.hub_id)
    (row,) = rows(clinic).rows
    assert (row.email, row.how) == ("other@clinic.example", "")
    assert progress.read(clinic.hub_id, OWNERS)["state"] == "done"


def test_a_paused_account_says_so(clinic, practice):
    accounts.set_status(clinic.hub_id, "paused")
    read_owners(clinic.hub_id)
    assert progress.read(clinic.hub_id, OWNERS)["state"] == "failed" and not rows(clinic).known
