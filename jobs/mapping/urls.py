"""Links to records in the Cliniko web app."""

import re

_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_RECORD_ID = re.compile(r"\d{1,20}")


def record_url(subdomain: str | None, shard: str | None, resource: str, record_id: str) -> str:
    """`https://{subdomain}.{shard}.cliniko.com/{resource}/{id}`; "" while the account's address is not known.

    The parts come from another service, so anything that is not a plain host label makes no link at all.
    """
    name, region = (subdomain or "").lower(), (shard or "").lower()
    if not (_HOST_LABEL.fullmatch(name) and _HOST_LABEL.fullmatch(region) and _RECORD_ID.fullmatch(record_id)):
        return ""
    return f"https://{name}.{region}.cliniko.com/{resource}/{record_id}"
