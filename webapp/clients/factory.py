"""Builds clients with their shared budgets. The only place that knows which limit applies to what."""

import hashlib
import hmac
from collections.abc import Callable

import redis

from webapp.clients.budget import Budget
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.cliniko.keys import base_url, parse_key
from webapp.clients.counter import CallCounter
from webapp.clients.hubspot.client import HubSpotClient
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clients.hubspot.tokens import TokenSource
from webapp.clients.settings import ClientSettings

# Seconds a background call waits for its turn before it gives its worker back; a person's call waits less.
BACKGROUND_WAIT = 20.0
PERSON_WAIT = 8.0
# The share of both budgets that background work leaves to what a person waits for.
RESERVED_FOR_PEOPLE = 0.2


def cliniko_client(
    settings: ClientSettings,
    redis: redis.Redis,
    key: str,
    *,
    user_id: str | None = None,
    hub_id: int | None = None,
    for_person: bool = False,
) -> ClinikoClient:
    """A client for one API key. Cliniko counts per user, so keys of one user (where known) share a budget.

    Raises BadKey. `for_person` may use the reserved part of the budget."""
    parsed = parse_key(key)
    who = f"user:{user_id}" if user_id else f"key:{_mark(settings, parsed.key)}"
    budget = Budget(
        redis,
        f"cliniko:{parsed.shard}:{who}",
        settings.cliniko_per_minute,
        60,
        PERSON_WAIT if for_person else BACKGROUND_WAIT,
        reserve=0.0 if for_person else RESERVED_FOR_PEOPLE,
        service="cliniko",
    )
    return ClinikoClient(
        parsed.key,
        base_url=base_url(settings.cliniko_api_url, parsed.shard),
        contact_email=settings.cliniko_contact_email or "",
        budget=budget,
        counter=None if hub_id is None else CallCounter(redis, hub_id),
    )


def hubspot_client(
    settings: ClientSettings,
    redis: redis.Redis,
    hub_id: int,
    load: Callable[[], TokenSet],
    save: Callable[[TokenSet], None],
    *,
    for_person: bool = False,
) -> HubSpotClient:
    """A client for one account. `load` reads the stored tokens, `save` must have committed when it returns."""
    wait = PERSON_WAIT if for_person else BACKGROUND_WAIT
    reserve = 0.0 if for_person else RESERVED_FOR_PEOPLE
    general = Budget(
        redis, f"hubspot:{hub_id}", settings.hubspot_per_ten_seconds, 10, wait, reserve=reserve, service="hubspot"
    )
    search = Budget(
        redis, f"hubspot-search:{hub_id}", settings.hubspot_search_per_second, 1, wait, reserve=0.0, service="hubspot"
    )
    return HubSpotClient(
        hub_id,
        TokenSource(hub_id, load=load, save=save, redis=redis, settings=settings),
        base_url=settings.hubspot_api_url,
        version=settings.hubspot_api_version,
        budget=general,
        search_budget=search,
        counter=CallCounter(redis, hub_id),
    )


def _mark(settings: ClientSettings, key: str) -> str:
    """Stands for a key in Redis, where the key itself has no business."""
    return hmac.new((settings.secret_key or "").encode(), key.encode(), hashlib.sha256).hexdigest()[:24]
