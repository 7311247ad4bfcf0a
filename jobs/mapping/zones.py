"""Where a clinic's clock stands: from Cliniko's zone names to IANA names, and times as the front desk reads them."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, tzinfo
from functools import cache, lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from jobs.mapping.dates import parse_datetime
from jobs.mapping.text import clean_text

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OFFSET = re.compile(r"^\((?:GMT|UTC)[^)]*\)\s*")

# Cliniko's labels are mostly the city of the IANA name. These are not.
_LABELS = {
    "pacific time (us & canada)": "America/Los_Angeles",
    "mountain time (us & canada)": "America/Denver",
    "central time (us & canada)": "America/Chicago",
    "eastern time (us & canada)": "America/New_York",
    "atlantic time (canada)": "America/Halifax",
    "indiana (east)": "America/Indiana/Indianapolis",
    "alaska": "America/Anchorage",
    "arizona": "America/Phoenix",
    "hawaii": "Pacific/Honolulu",
    "newfoundland": "America/St_Johns",
    "saskatchewan": "America/Regina",
    "central america": "America/Guatemala",
    "guadalajara": "America/Mexico_City",
    "quito": "America/Guayaquil",
    "brasilia": "America/Sao_Paulo",
    "georgetown": "America/Guyana",
    "greenland": "America/Nuuk",
    "mid-atlantic": "Atlantic/South_Georgia",
    "cape verde is.": "Atlantic/Cape_Verde",
    "international date line west": "Pacific/Pago_Pago",
    "midway island": "Pacific/Midway",
    "american samoa": "Pacific/Pago_Pago",
    "canberra": "Australia/Sydney",
    "wellington": "Pacific/Auckland",
    "chatham is.": "Pacific/Chatham",
    "solomon is.": "Pacific/Guadalcanal",
    "marshall is.": "Pacific/Majuro",
    "tokelau is.": "Pacific/Fakaofo",
    "new caledonia": "Pacific/Noumea",
    "nuku'alofa": "Pacific/Tongatapu",
    "samoa": "Pacific/Apia",
    "edinburgh": "Europe/London",
    "bern": "Europe/Zurich",
    "st. petersburg": "Europe/Moscow",
    "ekaterinburg": "Asia/Yekaterinburg",
    "west central africa": "Africa/Algiers",
    "pretoria": "Africa/Johannesburg",
    "abu dhabi": "Asia/Dubai",
    "islamabad": "Asia/Karachi",
    "chennai": "Asia/Kolkata",
    "mumbai": "Asia/Kolkata",
    "new delhi": "Asia/Kolkata",
    "sri jayawardenepura": "Asia/Colombo",
    "astana": "Asia/Almaty",
    "rangoon": "Asia/Yangon",
    "hanoi": "Asia/Ho_Chi_Minh",
    "beijing": "Asia/Shanghai",
    "chongqing": "Asia/Shanghai",
    "osaka": "Asia/Tokyo",
    "sapporo": "Asia/Tokyo",
    "kyiv": "Europe/Kyiv",
    "utc": "UTC",
}

# Countries with several zones: where most of their people live.
_MAIN = {
    "AU": "Australia/Sydney",
    "NZ": "Pacific/Auckland",
    "US": "America/New_York",
    "CA": "America/Toronto",
    "AR": "America/Argentina/Buenos_Aires",
    "BR": "America/Sao_Paulo",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}


def zone_name(identifier: str | None, label: str | None = None, *country_codes: str | None) -> str | None:
    """The IANA name of a business's zone, or None when nothing tells.

    Cliniko's identifier first, then its label, then the main zone of the first known country.
    """
    for text in (identifier, label):
        found = _named(clean_text(text, 100))
        if found:
            return found
    for code in country_codes:
        found = _of_countries().get(clean_text(code).upper())
        if found:
            return found
    return None


def local_text(moment: object, zone: str | None) -> str:
    """`Thu 21 Jul 2016, 1:45 pm` by the clinic's clock, or "". In UTC, and saying so, when the zone is not known."""
    utc, place = parse_datetime(moment), _zone(zone or "")
    if utc is None:
        return ""
    try:
        local = utc.astimezone(place or UTC)
    except OverflowError:
        return ""
    hour, half = local.hour % 12 or 12, "am" if local.hour < 12 else "pm"
    day = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {hour}:{local.minute:02d} {half}" + ("" if place else " UTC")


def midday(day: date, zone: str | None) -> datetime:
    """Noon of a day where the clinic is: as a time it shows as that day to nearly everybody."""
    noon = datetime.combine(day, time(12))
    try:
        return noon.replace(tzinfo=_zone(zone or "") or UTC).astimezone(UTC)
    except OverflowError:
        return noon.replace(tzinfo=UTC)


def _named(text: str) -> str | None:
    if "/" in text and _zone(text):
        return text
    label = _OFFSET.sub("", text).casefold()
    return _LABELS.get(label) or _cities().get(label)


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # Not a zone, or a text that is no name at all: both come from another service.
        return None


@cache
def _cities() -> dict[str, str]:
    """`hong kong` → `Asia/Hong_Kong`."""
    return {name.rpartition("/")[2].replace("_", " ").casefold(): name for _, name in _table()}


@cache
def _of_countries() -> dict[str, str]:
    rows = list(_table())
    zones = Counter(code for code, _ in rows)
    return {code: name for code, name in rows if zones[code] == 1} | _MAIN


def _table() -> Iterator[tuple[str, str]]:
    """The zone table that comes with the time zone data: country code and name."""
    text = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            code, _, name = line.split("\t")[:3]
            yield code, name
