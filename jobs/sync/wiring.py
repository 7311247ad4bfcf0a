"""Builds the clients of an account from what the store knows. The clients themselves know no database."""

from webapp.clients import factory
from webapp.clients.cliniko.client import ClinikoClient
from webapp.clients.errors import NeedsReconnect
from webapp.clients.hubspot.client import HubSpotClient
from webapp.clients.hubspot.oauth import TokenSet
from webapp.config import current_settings
from webapp.extensions import db, get_redis
from webapp.store import accounts
from webapp.store.accounts import get_account
from webapp.store.models_account import Connection


def hubspot_client_for(hub_id: int, *, for_person: bool = False) -> HubSpotClient:
    """A HubSpot client that keeps this account's tokens fresh."""

    def load() -> TokenSet:
        account = get_account(hub_id)
        # Another process may have refreshed since this session last looked.
        db.session.refresh(account)
        if not account.refresh_token or not account.access_token or account.token_expires_at is None:
            raise NeedsReconnect("hubspot", reason="uninstalled")
        tokens = TokenSet(
            access_token=account.access_token,
            refresh_token=account.refresh_token,
            expires_at=account.token_expires_at,
            hub_id=hub_id,
            scopes=tuple(account.scopes),
            user_id=account.installed_by,
        )
        # A call to HubSpot follows: no transaction stays open meanwhile.
        db.session.commit()
        return tokens

    def save(tokens: TokenSet) -> None:
        accounts.save_tokens(
            hub_id,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_expires_at=tokens.expires_at,
        )

    return factory.hubspot_client(current_settings(), get_redis(), hub_id, load, save, for_person=for_person)


def cliniko_client_for(connection: Connection, *, for_person: bool = False) -> ClinikoClient:
    """A Cliniko client with this connection's key."""
    if not connection.api_key:
        raise NeedsReconnect("cliniko", reason="key_revoked")
    return factory.cliniko_client(
        current_settings(),
        get_redis(),
        connection.api_key,
        user_id=f"{connection.cliniko_account_id}:{connection.cliniko_user_id}",
        hub_id=connection.hub_id,
        for_person=for_person,
    )
