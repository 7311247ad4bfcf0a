"""HubSpot's dated paths: the one place that knows where the version stands.

`/crm/objects/2026-09/contacts`; the version is one setting (HUBSPOT_API_VERSION).
"""

import re
from urllib.parse import quote

_VERSION = re.compile(r"20\d\d-(03|09)(-beta)?", re.ASCII)


def dated(area: str, version: str, *rest: str) -> str:
    """`dated("crm/objects", "2026-09", "contacts", "batch/read")`. Parts are encoded, slashes inside them are kept
    only in the parts that hold a fixed word path. Raises ValueError for a version of another form."""
    if not _VERSION.fullmatch(version):
        raise ValueError("HUBSPOT_API_VERSION must be a dated version such as 2026-09")
    return "/".join(["", area, version, *rest])


def segment(value: str) -> str:
    """One path segment from a value: a record id, a property name. Raises ValueError when it would change the path."""
    if not value or value in (".", ".."):
        raise ValueError("an empty or relative path segment")
    return quote(value, safe="")
