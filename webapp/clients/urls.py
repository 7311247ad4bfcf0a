"""Which addresses an API may have: https to a public name, or anything on this machine (the sandbox)."""

import ipaddress
import re
from urllib.parse import urlsplit

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def check_api_url(name: str, url: str) -> str:
    """Return `url` without a trailing slash. Raises ValueError naming the variable and the fix, in one line."""
    try:
        parts = urlsplit(url.replace("{shard}", "au1"))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(f"{name} is not a web address: give one such as https://api.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{name} must hold no user name, query or fragment: give scheme, host and path only")
    if "{shard}" in url and "{shard}" not in url.split("//", 1)[1].split("/", 1)[0]:
        raise ValueError(f"{name} may hold {{shard}} in the host name only")
    if is_loopback(host):
        return url.rstrip("/")
    if parts.scheme != "https":
        raise ValueError(f"{name} must start with https://: keys and tokens are sent to it")
    if is_private(host):
        raise ValueError(f"{name} points into a private network: give the public address of the API")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """This machine itself: `localhost` or a loopback number."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(host: str) -> bool:
    """An address or a name that means something in one network only, this machine included."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        lowered = host.lower().rstrip(".")
        # A name whose last part is a number, also a hexadecimal one, is an address in another notation.
        numeric = _NUMBER.fullmatch(lowered.rpartition(".")[2])
        return bool(numeric) or "." not in lowered or lowered.endswith((".local", ".internal", ".localhost", ".lan"))
