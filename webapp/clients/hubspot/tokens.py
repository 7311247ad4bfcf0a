"""The access token of one account, kept fresh: one refresh at a time per account, whatever the number of workers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import redis
from redis.exceptions import LockError

from webapp.clients.errors import NeedsReconnect, Unavailable
from webapp.clients.hubspot import oauth
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clients.settings import HubSpotSettings
from webapp.clock import now

# Refresh at 75 % of a token's life of 30 minutes.
EARLY = timedelta(seconds=oauth.DEFAULT_LIFE_SECONDS // 4)
LOCK_SECONDS = 60  # longer than a refresh can take, time-outs included
WAIT_SECONDS = 25.0


class TokenSource:
    """Gives out the access token. `load` and `save` are the store's: `save` must have committed when it returns."""

    def __init__(
        self,
        hub_id: int,
        *,
        load: Callable[[], TokenSet],
        save: Callable[[TokenSet], None],
        redis: redis.Redis,
        settings: HubSpotSettings,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self.hub_id = hub_id
        self._load = load
        self._save = save
        self._redis = redis
        self._settings = settings
        self._wait = wait_seconds
        self._early = EARLY
        self._tokens: TokenSet | None = None

    def access_token(self, force_refresh_if: str | None = None) -> str:
        """A token that lives for a while yet. `force_refresh_if` is a token that HubSpot just refused: if it is still
        the stored one, it is refreshed whatever its age. Raises NeedsReconnect, OurFault, Retryable."""
        if self._tokens is None or not self._fresh(self._tokens, force_refresh_if):
            self._tokens = self._load()
        if not self._fresh(self._tokens, force_refresh_if):
            self._tokens = self._refresh(force_refresh_if)
        return self._tokens.access_token

    def _fresh(self, tokens: TokenSet, refused: str | None) -> bool:
        return tokens.access_token != refused and tokens.expires_at - now() > self._early

    def _refresh(self, refused: str | None) -> TokenSet:
        try:
            lock = self._redis.lock(
                f"crmconnect:token:{self.hub_id}", timeout=LOCK_SECONDS, blocking_timeout=self._wait
            )
            got = lock.acquire()
        except redis.RedisError as error:
            raise Unavailable("hubspot", category="token_lock") from error
        if not got:
            raise Unavailable("hubspot", category="token_lock", retry_at=now() + timedelta(seconds=5))
        try:
            # Whoever held the lock before us may have refreshed already.
            tokens = self._load()
            return tokens if self._fresh(tokens, refused) else self._renew(tokens, refused)
        finally:
            _release(lock)

    def _renew(self, tokens: TokenSet, refused: str | None) -> TokenSet:
        try:
            fresh = oauth.refresh(self._settings, tokens.refresh_token, hub_id=self.hub_id)
        except NeedsReconnect:
            # Installed again meanwhile? Then a token that is already history was refused.
            newer = self._load()
            if newer.refresh_token == tokens.refresh_token:
                raise
            return newer if self._fresh(newer, refused) else self._renew(newer, refused)
        # Should HubSpot give shorter lives one day, a quarter of them is early enough.
        self._early = min(EARLY, (fresh.expires_at - now()) / 4)
        kept = replace(
            fresh,
            hub_id=self.hub_id,
            scopes=fresh.scopes or tokens.scopes,
            user_id=fresh.user_id or tokens.user_id,
        )
        # Stored before it is used: a crash must not lose a refresh token that replaced the old one.
        self._save(kept)
        return kept


def _release(lock: "redis.lock.Lock") -> None:
    try:
        lock.release()
    except (LockError, redis.RedisError):
        # It has expired, or the server is gone; either way it frees itself.
        return
