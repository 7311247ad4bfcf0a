"""Two people never share a contact: whoever is in a household, whomever HubSpot knows, in whatever order they come."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.jobs.sync.household_world import World
from tests.jobs.sync.households import plans
from tests.support.clinic import Clinic, Clinics
from webapp.extensions import db
from webapp.store import accounts, connections

EXAMPLES = int(os.environ.get("HOUSEHOLD_EXAMPLES", "60"))


class QuickClinics:
    """Clinics on the services of one test, without provisioning each: the properties come from the first."""

    def __init__(self, clinics: Clinics) -> None:
        self.clinics = clinics
        self.first = clinics.make()
        self.report = accounts.get_account(self.first.hub_id).provision_report

    def make(self) -> Clinic:
        clinic = self.clinics.make(provision=False)
        clinic.portal.schema["contacts"] = self.first.portal.schema["contacts"]
        for name in ("cliniko_patient_key", "cliniko_contact_key"):
            clinic.portal.contacts.watch_unique(name)
        accounts.save_provisioning(clinic.hub_id, self.report)
        connection = connections.find_connection(clinic.hub_id)
        # One list less to poll: referral sources tell nothing of who is who.
        connections.save_access(connection.id, {"referral_sources": "forbidden"})
        db.session.commit()
        return clinic


@pytest.mark.timeout(600)
def test_no_two_people_share_a_contact(clinics):
    quick = QuickClinics(clinics)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    )
    @given(plans())
    def holds(plan):
        world = World(quick.make(), plan)
        world.cycle()
        world.check()
        for edits in plan.rounds:
            world.play(edits)
            world.cycle()
            world.check()
        world.clinic.clear_calls()
        world.cycle()
        assert not world.clinic.hubspot_writes(), "running again writes nothing"
        world.check()

    holds()
