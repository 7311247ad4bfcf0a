"""The streams that this version can run, by name. A stream is a module with STREAM, run_step and on_reread."""

from collections.abc import Mapping
from types import ModuleType

from jobs.sync import contacts, patients

RUNNERS: Mapping[str, ModuleType] = {patients.STREAM: patients, contacts.STREAM: contacts}
AVAILABLE = tuple(RUNNERS)
