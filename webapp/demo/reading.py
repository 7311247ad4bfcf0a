"""Reads both simulated services through their own APIs, page by page, without any client of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
)
_PATIENCE = 90.0


def cliniko_account_id(url: str, key: str) -> str:
    """The id of the account that the key belongs to."""
    with _cliniko(key) as http:
        return str(_get(http, f"{url}/settings/public")["account"]["id"])


def patients(url: str, key: str) -> list[dict[str, Any]]:
    """Every patient, archived and merged ones too."""
    return list(_patients(url, key))


def _patients(url: str, key: str) -> Iterator[dict[str, Any]]:
    following = f"{url}/patients?per_page=100&sort=id&q%5B%5D=archived_at:*"
    with _cliniko(key) as http:
        while following:
            page = _get(http, following)
            yield from page["patients"]
            following = page["links"].get("next", "")


def contacts(url: str, token: str) -> list[dict[str, Any]]:
    """Every contact that is there: its id and the properties above."""
    return list(_contacts(url, token))


def _contacts(url: str, token: str) -> Iterator[dict[str, Any]]:
    first = f"{url}/crm/objects/2026-09/contacts?limit=100&properties={','.join(CONTACT_PROPERTIES)}"
    after = ""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        while True:
            page = _get(http, f"{first}&after={after}" if after else first)
            for contact in page["results"]:
                yield {
                    "id": contact["id"],
                    **{name: contact["properties"].get(name) or "" for name in CONTACT_PROPERTIES},
                }
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
