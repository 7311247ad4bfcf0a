"""A whole clinic for the simulated Cliniko, made from a seed."""

from webapp.sandbox.cliniko.clinic.draws import PRIVATE_MARK
from webapp.sandbox.cliniko.clinic.maker import Summary, make_clinic

__all__ = ["PRIVATE_MARK", "Summary", "make_clinic"]
