"""Many clinics on the services of one test, without provisioning each: the properties come from the first."""

from tests.support.clinic import Clinic, Clinics
from webapp.extensions import db
from webapp.store import accounts, connections


class QuickClinics:
    def __init__(self, clinics: Clinics) -> None:
        self.clinics = clinics
        self.first = clinics.make()
        self.report = accounts.get_account(self.first.hub_id).provision_report

    def make(self) -> Clinic:
        """A connected clinic. One list less to poll: referral sources tell nothing of who is who."""
        clinic = self.clinics.make(provision=False)
        clinic.portal.schema["contacts"] = self.first.portal.schema["contacts"]
        for name in ("cliniko_patient_key", "cliniko_contact_key"):
            clinic.portal.contacts.watch_unique(name)
        accounts.save_provisioning(clinic.hub_id, self.report)
        connection = connections.find_connection(clinic.hub_id)
        connections.save_access(connection.id, {"referral_sources": "forbidden"})
        db.session.commit()
        return clinic
