"""Country names and codes."""

from functools import cache

import pycountry

from jobs.mapping.text import clean_text

# Seen in real address data though ISO 3166 has another code for it.
_USED_INSTEAD = {"UK": "GB", "EL": "GR"}


def country_code(code: str | None, name: str | None = None) -> str | None:
    """The ISO 3166 two-letter code of a record: from its code, else from its country name; None when unknown."""
    letters = clean_text(code).upper()
    letters = _USED_INSTEAD.get(letters, letters)
    if letters in _names():
        return letters
    return _codes().get(clean_text(name).casefold())


def country_name(code: str | None, name: str | None = None) -> str:
    """The country in words: named by its code, else the given text."""
    letters = clean_text(code).upper()
    return _names().get(_USED_INSTEAD.get(letters, letters)) or clean_text(name)


@cache
def _names() -> dict[str, str]:
    return {item.alpha_2: getattr(item, "common_name", item.name) for item in pycountry.countries}


@cache
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for item in pycountry.countries:
        for attribute in ("name", "common_name", "official_name", "alpha_2", "alpha_3"):
            label = getattr(item, attribute, None)
            if label:
                codes[label.casefold()] = item.alpha_2
    codes.update({"uk": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB"})
    return codes
