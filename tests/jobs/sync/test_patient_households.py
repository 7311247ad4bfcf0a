"""Two people never share a contact: whoever is in a household, whomever HubSpot knows, in whatever order they come."""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.jobs.sync.household_world import World
from tests.jobs.sync.households import plans
from tests.jobs.sync.quick import QuickClinics

EXAMPLES = int(os.environ.get("HOUSEHOLD_EXAMPLES", "25"))


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
