"""Turns a grant from HubSpot into a stored account."""

import structlog

from webapp.clients import factory
from webapp.clients.errors import ApiError
from webapp.clients.hubspot import account as hubspot_account
from webapp.clients.hubspot import oauth
from webapp.clients.hubspot.oauth import SCOPES, TokenSet
from webapp.config import current_settings
from webapp.extensions import get_redis
from webapp.store import accounts
from webapp.store.models_account import Account

log = structlog.get_logger()


def save(tokens: TokenSet) -> Account:
    """Store the account, new or again. HubSpot's answers about it fill name, zone and currency; an install is not lost
    when they cannot be had now."""
    details = None
    try:
        with factory.hubspot_client(
            current_settings(), get_redis(), tokens.hub_id, lambda: tokens, lambda changed: None
        ) as client:
            details = hubspot_account.details(client)
    except ApiError as error:
        log.warning("account_details_unread", hub_id=tokens.hub_id, error=str(error))
    known = _introspect(tokens)
    account = accounts.save_install(
        tokens.hub_id,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        token_expires_at=tokens.expires_at,
        scopes=tokens.scopes or _scopes(known),
        installed_by=str(tokens.user_id) if tokens.user_id else None,
        hub_domain=_text(known.get("hub_domain")),
        ui_domain=details.ui_domain if details else None,
        time_zone=details.time_zone if details else None,
        currency=details.currency if details else None,
    )
    log.info("account_installed", hub_id=tokens.hub_id, missing_scopes=missing_scopes(account))
    return account


def hub_domain(tokens: TokenSet) -> str | None:
    """The account's own web address, so that a person recognises it."""
    return _text(_introspect(tokens).get("hub_domain"))


def missing_scopes(account: Account) -> list[str]:
    """What the account did not grant, of all that we need."""
    return [scope for scope in SCOPES if scope not in account.scopes]


def _introspect(tokens: TokenSet) -> dict[str, object]:
    try:
        return oauth.introspect(current_settings(), tokens.access_token)
    except ApiError as error:
        log.warning("token_not_introspected", hub_id=tokens.hub_id, error=str(error))
        return {}


def _scopes(known: dict[str, object]) -> tuple[str, ...]:
    found = known.get("scopes") or known.get("scope") or ()
    if isinstance(found, str):
        found = found.split()
    return tuple(str(scope) for scope in found) if isinstance(found, list | tuple) else ()


def _text(value: object) -> str | None:
    return value[:255] if isinstance(value, str) and value else None
