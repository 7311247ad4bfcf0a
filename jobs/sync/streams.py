"""The streams that this version can run, by name. A stream is a module with STREAM, run_step and on_reread; one that
does not run by the account's interval also has next_run_at."""

from collections.abc import Mapping
from types import ModuleType

from jobs.sync import appointments, contacts, history, invoices, patients, reconcile
from webapp.store.settings import AccountSettings

RUNNERS: Mapping[str, ModuleType] = {
    patients.STREAM: patients,
    contacts.STREAM: contacts,
    appointments.STREAM: appointments,
    invoices.STREAM: invoices,
    history.STREAM: history,
    reconcile.STREAM: reconcile,
}
# What a person can switch on and off; the history is learned by itself, for the summary of visits, and the reconcile
# runs at night and on request.
AVAILABLE = (patients.STREAM, contacts.STREAM, appointments.STREAM, invoices.STREAM)


def switched_on(settings: AccountSettings) -> list[str]:
    """The streams that an account with these settings runs."""
    chosen = [stream for stream in AVAILABLE if getattr(settings, f"sync_{stream}")]
    return [*chosen, history.STREAM] if {appointments.STREAM, invoices.STREAM} & set(chosen) else chosen
