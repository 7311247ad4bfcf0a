"""What each resource shows and can be filtered by.

https://docs.api.cliniko.com/
"""

from __future__ import annotations

from webapp.sandbox.cliniko.resources_people import PEOPLE
from webapp.sandbox.cliniko.resources_work import WORK

RESOURCES = {resource.name: resource for resource in (*PEOPLE, *WORK)}
# The tables behind the union of everything that stands in the calendar.
BOOKINGS = ("individual_appointments", "group_appointments", "unavailable_blocks")
