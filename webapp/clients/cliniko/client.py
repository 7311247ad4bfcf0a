"""The Cliniko client: one key, one region, budget and retries inside.

https://docs.api.cliniko.com/
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from webapp.clients import policy, tls
from webapp.clients.calling import Answer, Bucket, Call, Caller, Params, Repeat
from webapp.clients.cliniko import decode
from webapp.clients.cliniko.failures import failure
from webapp.clients.counter import CallCounter
from webapp.clients.errors import OurFault, Unavailable
from webapp.clock import now

PER_PAGE = 100
T = TypeVar("T", bound=msgspec.Struct)
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# A window begins at the server's time. Too early a time only reads more; a time in the future would lose changes.
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    `next_page` is None on the last page. `server_time` is Cliniko's clock at the answer. `bad` holds the records that
    could not be read, as (id or "", reason without values). `total` may be missing and may change during a walk.
    """

    records: list[T] = field(repr=False)
    next_page: int | None
    server_time: datetime
    total: int | None = None
    bad: list[tuple[str, str]] = field(default_factory=list)


class ClinikoClient:
    """Calls Cliniko with one API key. Use as a context manager, or call `close()`."""

    def __init__(
        self,
        key: str,
        *,
        base_url: str,
        contact_email: str,
        budget: Bucket,
        timeout: httpx.Timeout = TIMEOUT,
        counter: CallCounter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._budget = budget
        self._http = httpx.Client(
            # The header is only ever attached to addresses that begin with the base; redirects are not followed.
            auth=httpx.BasicAuth(key, ""),
            headers={"Accept": "application/json", "User-Agent": f"CRMConnect ({contact_email})"},
            timeout=timeout,
            follow_redirects=False,
            transport=transport,
            trust_env=False,
            verify=tls.CONTEXT,
        )
        self._caller = Caller("cliniko", self._http, failure, counter, sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def get(self, path: str, params: Params | None, type: type[T]) -> T:
        """Read one record. Raises ApiError; Unavailable when the answer has another shape."""
        return self._one(self._send("GET", path, Repeat.ALWAYS, params=params), type)

    def page(
        self,
        path: str,
        key: str,
        type: type[T],
        q: Sequence[str] = (),
        sort: str | None = "id",
        page: int = 1,
        per_page: int = PER_PAGE,
    ) -> Page[T]:
        """Read one page of a list; `key` is the name of the array, `q` are conditions, all of which must hold."""
        if not 1 <= per_page <= PER_PAGE or page < 1:
            raise ValueError("pages start at 1 and hold 1 to 100 records")
        params: dict[str, str | int | Sequence[str]] = {"page": page, "per_page": per_page}
        if sort:
            params["sort"] = sort
        if q:
            params["q[]"] = list(q)
        answer = self._send("GET", path, Repeat.ALWAYS, params=params)
        items = answer.data.get(key) if isinstance(answer.data, Mapping) else None
        if not isinstance(items, list):
            # A list without its array says nothing about what exists.
            raise Unavailable("cliniko", status=answer.status, category="unexpected_shape")
        records, bad = decode.read_all(type, items)
        return Page(
            records=records,
            next_page=self._next_page(answer.data, page),
            server_time=_server_time(answer.headers),
            total=_total(answer.data),
            bad=bad,
        )

    def post(self, path: str, body: Mapping[str, Any], type: type[T]) -> T:
        """Create. Never repeated by itself: Cliniko has no idempotency, a repeat makes a duplicate."""
        return self._one(self._send("POST", path, Repeat.NEVER, json=body), type, wrote=True)

    def patch(self, path: str, body: Mapping[str, Any], type: type[T]) -> T:
        """Change the given fields. Repeated only when no connection was made."""
        return self._one(self._send("PATCH", path, Repeat.UNSENT, json=body), type, wrote=True)

    def _send(
        self, method: str, path: str, repeat: Repeat, *, params: Params | None = None, json: Any = None
    ) -> Answer:
        if not path.startswith("/") or path.startswith("//") or any(mark in path for mark in "?#\\@"):
            raise ValueError("a path starts with one slash and holds no query")
        return self._caller.run(
            Call(method, self._base + path, path, repeat, method != "GET", params, json), self._budget
        )

    def _one(self, answer: Answer, kind: type[T], *, wrote: bool = False) -> T:
        try:
            return decode.read(kind, answer.data)
        except decode.Unreadable as error:
            raise Unavailable("cliniko", status=answer.status, category=str(error), maybe_applied=wrote) from None

    def _next_page(self, data: Mapping[str, Any], current: int) -> int | None:
        links = data.get("links")
        link = links.get("next") if isinstance(links, Mapping) else None
        if not link:
            return None
        if not isinstance(link, str) or not same_origin(link, self._base):
            # The key must not follow a link to another host.
            raise OurFault("cliniko", category="foreign_link")
        number = parse_qs(urlsplit(link).query).get("page", [""])[0]
        if not number.isascii() or not number.isdigit() or int(number) <= current:
            raise Unavailable("cliniko", category="unexpected_next_link")
        return int(number)


def same_origin(link: str, base: str) -> bool:
    """True when scheme, host and port are those of the configured address."""
    try:
        ours, theirs = urlsplit(base), urlsplit(link)
        return (ours.scheme, ours.hostname, _port(ours.scheme, ours.port)) == (
            theirs.scheme,
            theirs.hostname,
            _port(theirs.scheme, theirs.port),
        ) and not theirs.username
    except ValueError:
        return False


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)


def _server_time(headers: httpx.Headers) -> datetime:
    moment = policy.http_date(headers.get("Date", ""))
    if moment is None:
        return now() - timedelta(minutes=1)
    return min(moment, now() + _CLOCKS_DIFFER)


def _total(data: Mapping[str, Any]) -> int | None:
    # An old answer misspells the key, another prints a text.
    value = data.get("total_entries", data.get("total_entires"))
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() else None
