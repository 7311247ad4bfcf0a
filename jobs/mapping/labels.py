"""The names by which people and places stand on deals."""

from typing import Protocol

from jobs.mapping.text import clean_text


class NamedPractitioner(Protocol):
    """What is read of a practitioner's name."""

    @property
    def display_name(self) -> str | None: ...
    @property
    def label(self) -> str | None: ...
    @property
    def title(self) -> str | None: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...


class NamedBusiness(Protocol):
    """What is read of a location's name."""

    @property
    def display_name(self) -> str | None: ...
    @property
    def business_name(self) -> str | None: ...
    @property
    def label(self) -> str | None: ...


def practitioner_label(practitioner: NamedPractitioner) -> str:
    """The name that patients see, else the full name."""
    shown = clean_text(practitioner.display_name) or clean_text(practitioner.label)
    return shown or _joined(practitioner.title, practitioner.first_name, practitioner.last_name)


def business_label(business: NamedBusiness) -> str:
    """The name that patients see, else the business's own."""
    return clean_text(business.display_name) or clean_text(business.business_name) or clean_text(business.label)


def patient_label(
    first_name: str | None,
    last_name: str | None,
    preferred_first_name: str | None = None,
    *,
    use_preferred: bool = False,
) -> str:
    """First and last name, with the preferred first name where the account's contacts carry that."""
    return _joined((use_preferred and clean_text(preferred_first_name)) or first_name, last_name)


def _joined(*names: str | None) -> str:
    return clean_text(" ".join(name for name in map(clean_text, names) if name))
