"""Reads both simulated services through their own APIs, page by page, without any client of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

# What the comparison looks at.
CONTACT_PROPERTIES = (
    "firstname",
    "lastname",
    "email",
    "hs_additional_emails",
    "cliniko_patient_key",
    "cliniko_email",
    "cliniko_shared_email",
    "cliniko_appointments_booked",
)
_PATIENCE = 90.0


def cliniko_account_id(url: str, key: str) -> str:
    """The id of the account that the key belongs to."""
    with _cliniko(key) as http:
        return str(_get(http, f"{url}/settings/public")["account"]["id"])


def patients(url: str, key: str) -> list[dict[str, Any]]:
    """Every patient, archived and merged ones too."""
    return list(cliniko_list(url, key, "patients", ("archived_at",)))


def cliniko_list(url: str, key: str, name: str, hidden: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every record of a list, those too that it leaves out because of one of these columns."""
    reveals = "".join(f"&q%5B%5D={column}:*" for column in hidden)
    following = f"{url}/{name}?per_page=100&sort=id{reveals}"
    with _cliniko(key) as http:
        while following:
            page = _get(http, following)
            yield from page[name]
            following = page["links"].get("next", "")


def contacts(url: str, token: str) -> list[dict[str, Any]]:
    """Every contact that is there: its id and the properties above."""
    return [
        {"id": row["id"], **{name: row["properties"].get(name) or "" for name in CONTACT_PROPERTIES}}
        for row in hubspot_list(url, token, "contacts", CONTACT_PROPERTIES)
    ]


def hubspot_list(
    url: str, token: str, object_type: str, properties: Sequence[str], associations: str = ""
) -> Iterator[dict[str, Any]]:
    """Every record of a type, as HubSpot answers it."""
    first = f"{url}/crm/objects/2026-09/{object_type}?limit=100&properties={','.join(properties)}"
    if associations:
        first += f"&associations={associations}"
    after = ""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        while True:
            page = _get(http, f"{first}&after={after}" if after else first)
            yield from page["results"]
            after = page.get("paging", {}).get("next", {}).get("after", "")
            if not after:
                return


def _cliniko(key: str) -> httpx.Client:
    headers = {"User-Agent": "CRMConnect demo check (demo@clinic.example)", "Accept": "application/json"}
    return httpx.Client(auth=httpx.BasicAuth(key, ""), headers=headers, timeout=30)


def _get(http: httpx.Client, url: str) -> Any:
    """The decoded answer; waits while the service says that it had too many calls."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        answer = http.get(url)
        if answer.status_code != 429 or time.monotonic() > deadline:
            answer.raise_for_status()
            return answer.json()
        time.sleep(1)
