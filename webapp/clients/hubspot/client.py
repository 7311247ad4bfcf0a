"""The HubSpot client of one account: bearer token, dated paths, budgets, retries."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import httpx

from webapp.clients import tls
from webapp.clients.calling import Answer, Bucket, Call, Caller, Params, Repeat
from webapp.clients.counter import CallCounter
from webapp.clients.errors import ApiError, Unavailable
from webapp.clients.hubspot.errors_parse import failure
from webapp.clients.hubspot.paths import dated, segment
from webapp.clients.hubspot.tokens import TokenSource

TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class HubSpotClient:
    """Calls HubSpot for one account. Use as a context manager, or call `close()`."""

    def __init__(
        self,
        hub_id: int,
        tokens: TokenSource,
        *,
        base_url: str,
        version: str,
        budget: Bucket,
        search_budget: Bucket,
        timeout: httpx.Timeout = TIMEOUT,
        counter: CallCounter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.hub_id = hub_id
        self.version = version
        self._tokens = tokens
        self._base = base_url.rstrip("/")
        self._budget = budget
        self._search_budget = search_budget
        self._http = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": "CRMConnect"},
            timeout=timeout,
            follow_redirects=False,
            transport=transport,
            trust_env=False,
            verify=tls.CONTEXT,
        )
        self._caller = Caller("hubspot", self._http, failure, counter, sleep)
        self._searcher = Caller("hubspot", self._http, partial(failure, search=True), counter, sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def path(self, area: str, *rest: str) -> str:
        """`path("crm/objects", "contacts", "batch/read")` in this client's version; see `paths.dated`."""
        return dated(area, self.version, *rest)

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        params: Params | None = None,
        *,
        safe: bool | None = None,
        writes: bool | None = None,
        search: bool = False,
        shown: str | None = None,
    ) -> Any:
        """One call; the decoded JSON, None for an empty answer. Raises ApiError.

        `safe`: it may be repeated after a failure that may have reached HubSpot; by default reads, PUT and DELETE are.
        `shown`: the path for the log where the real one holds something about a person.
        """
        repeat = Repeat.ALWAYS if (method in ("GET", "PUT", "DELETE") if safe is None else safe) else Repeat.UNSENT
        changes = method != "GET" if writes is None else writes
        call = Call(method, self._base + path, shown or path, repeat, changes, params, json)
        caller, bucket = (self._searcher, self._search_budget) if search else (self._caller, self._budget)
        return self._signed(call, caller, bucket).data

    def _signed(self, call: Call, caller: Caller, bucket: Bucket) -> Answer:
        token = self._tokens.access_token()
        try:
            return self._with(token, call, caller, bucket)
        except ApiError as error:
            if error.status != 401:
                raise
        # One try with a new token; whether the account is gone is for the refresh to say, not for a 401.
        token = self._tokens.access_token(force_refresh_if=token)
        return self._with(token, call, caller, bucket)

    def _with(self, token: str, call: Call, caller: Caller, bucket: Bucket) -> Answer:
        return caller.run(call, bucket, {"Authorization": f"Bearer {token}"})


def unexpected(what: str, *, wrote: bool = False) -> Unavailable:
    """The error for a success whose body has another shape than documented. `wrote`: the call changed something."""
    return Unavailable("hubspot", category=f"unexpected_{what}", maybe_applied=wrote)


__all__ = ["HubSpotClient", "segment", "unexpected"]
