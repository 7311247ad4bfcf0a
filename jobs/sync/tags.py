"""Keyed HMACs of the values by which people are recognised. The key belongs to one account; values never come back."""

from datetime import date

from jobs.mapping.digest import term_digest


def tag(key: bytes, what: str, value: str) -> bytes:
    """16 bytes that stand for one value of one sort."""
    return term_digest(key, what, value)


def optional(key: bytes, what: str, value: str | None) -> bytes | None:
    return tag(key, what, value) if value else None


def birth(key: bytes, value: date | None) -> bytes | None:
    return tag(key, "birth", value.isoformat()) if value else None


def cliniko_key(key: bytes, cliniko_account_id: str, kind: str, cliniko_id: str) -> bytes:
    """Stands for one Cliniko record, in the never-match and erased memories."""
    return tag(key, "cliniko", f"{cliniko_account_id}:{kind}:{cliniko_id}")


def hubspot_contact(key: bytes, hubspot_id: str) -> bytes:
    return tag(key, "hubspot", hubspot_id)


def whole_person(key: bytes, email: str | None, first: str | None, last: str | None, born: date | None) -> bytes:
    """Email, names and birth date together: recognises an erased person, never a relative by the email alone."""
    return tag(key, "person", "\x1f".join((email or "", first or "", last or "", born.isoformat() if born else "")))
