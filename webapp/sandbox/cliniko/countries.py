"""Countries in a body: by ISO code, or for patients by their English name too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pycountry

from jobs.mapping.countries import country_code, country_name
from webapp.sandbox.cliniko.checks import NOT_LISTED, Errors


def country_changes(sent: Mapping[str, Any], errors: Errors, *, by_name: bool) -> dict[str, str | None]:
    """Name and code to store, from what was sent; a country that does not exist goes to `errors`."""
    if "country_code" in sent:
        code = str(sent["country_code"] or "").strip().upper()
        if code and pycountry.countries.get(alpha_2=code) is None:
            errors["country_code"] = NOT_LISTED
        return {"country": country_name(code) or None, "country_code": code or None}
    if by_name and "country" in sent:
        name = str(sent["country"] or "").strip()
        found = country_code(None, name) if name else None
        if name and found is None:
            errors["country"] = NOT_LISTED
        return {"country": country_name(found) or None, "country_code": found}
    return {}
