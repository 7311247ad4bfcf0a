"""Email addresses: the form we compare, and whether HubSpot takes an address as a contact's `email`."""

import re

from jobs.mapping.text import clean_text

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_TOP_LEVEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")


def email_key(value: str | None) -> str | None:
    """The address trimmed and casefolded, for comparing; None when blank."""
    return clean_text(value).casefold() or None


def hubspot_email(value: str | None) -> str | None:
    """The address as HubSpot stores it (lower case), or None when its shape would be refused.

    Local part ≤ 64, whole ≤ 254 characters, dots only between other characters, a domain with a real ending.
    """
    address = clean_text(value).lower()
    if not address.isascii() or len(address) > 254:
        return None
    local, at, domain = address.partition("@")
    labels = domain.split(".")
    fits = (
        at
        and len(local) <= 64
        and _LOCAL.fullmatch(local)
        and len(labels) > 1
        and all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels)
        and _TOP_LEVEL.fullmatch(labels[-1])
    )
    return address if fits else None
