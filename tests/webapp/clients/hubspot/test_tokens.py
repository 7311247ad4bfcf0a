"""The access token stays fresh, one refresh at a time, and nothing but a refused refresh means uninstalled."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from tests.support.http_stub import BAD_GATEWAY_PAGE, Reply, Reset
from tests.webapp.clients.conftest import HUB, Vault
from webapp.clients.errors import NeedsReconnect, OurFault, Throttled, Unavailable
from webapp.clients.hubspot import account
from webapp.clients.hubspot.oauth import SCOPES, TokenSet
from webapp.clients.hubspot.tokens import TokenSource
from webapp.clock import now
from webapp.sandbox.support import Fault

ROOT = Path(__file__).parents[4]
TOKEN = r"^/oauth/2026-09/token$"
DETAILS = r"^/account-info/"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# One process that needs a token, with the tokens of the account kept in Redis.
ASKER = """
import sys, json, redis
from datetime import datetime
from types import SimpleNamespace
from webapp.clients.hubspot.oauth import TokenSet
from webapp.clients.hubspot.tokens import TokenSource
connection, url = redis.Redis.from_url(sys.argv[1], decode_responses=True), sys.argv[2]
settings = SimpleNamespace(hubspot_client_id="client-id", hubspot_client_secret="client-secret", hubspot_api_url=url,
                           hubspot_api_version="2026-09")
def load():
    stored = connection.hgetall("vault")
    return TokenSet(stored["access"], stored["refresh"], datetime.fromisoformat(stored["expires"]), 20000001)
def save(tokens):
    connection.hset("vault", mapping={"access": tokens.access_token, "refresh": tokens.refresh_token,
                                      "expires": tokens.expires_at.isoformat()})
connection.incr("ready")
while connection.get("ready") != "2":
    pass
print(TokenSource(20000001, load=load, save=save, redis=connection, settings=settings).access_token())
"""


@pytest.fixture
def make_source(valkey, api_settings):
    def make(url: str, vault: Vault, **changes) -> TokenSource:
        connection = changes.pop("redis", valkey)
        wait = changes.pop("wait_seconds", 5.0)
        settings = api_settings(url, **changes)
        return TokenSource(
            HUB, load=vault.load, save=vault.save, redis=connection, settings=settings, wait_seconds=wait
        )

    return make


def stored(refresh: str = "refresh-marker", expires_at: datetime = LONG_AGO, access: str = "old") -> Vault:
    return Vault(TokenSet(access, refresh, expires_at, HUB, SCOPES, 5))


def grant(**more: object) -> Reply:
    return Reply(json={"access_token": "new", "refresh_token": "refresh-marker", "expires_in": 1800, **more})


def test_a_token_is_refreshed_when_a_quarter_of_its_life_is_left(hubspot, sandbox, vault, clock):
    account.details(hubspot)
    clock.shift(timedelta(minutes=22))
    account.details(hubspot)
    assert sandbox.calls.count("POST", TOKEN) == 0
    clock.shift(timedelta(minutes=1))
    account.details(hubspot)
    account.details(hubspot)
    assert sandbox.calls.count("POST", TOKEN) == 1
    assert len(vault.saved) == 1
    assert vault.tokens.expires_at - now() > timedelta(minutes=29)
    assert (vault.tokens.hub_id, vault.tokens.scopes) == (HUB, SCOPES)


def test_threads_share_one_refresh(make_source, sandbox, sandbox_url, portal, clock):
    sandbox.access_token(portal)
    vault = stored(portal.installs[4242].refresh_token)
    sources = [make_source(sandbox_url, vault) for _ in range(8)]
    got: list[str] = []
    threads = [threading.Thread(target=lambda s=s: got.append(s.access_token())) for s in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [vault.tokens.access_token] * 8
    assert sandbox.calls.count("POST", TOKEN) == 1


def test_processes_share_one_refresh(valkey, valkey_url, sandbox, sandbox_url, portal):
    sandbox.tokens.rotate = True  # a second refresh would be refused, and would count
    sandbox.access_token(portal)
    refresh = portal.installs[4242].refresh_token
    valkey.hset("vault", mapping={"access": "old", "refresh": refresh, "expires": LONG_AGO.isoformat()})
    command = [sys.executable, "-c", ASKER, valkey_url, sandbox_url]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) for _ in range(2)]
    got = {process.communicate(timeout=60)[0].splitlines()[-1] for process in started}  # the rest are log lines
    assert got == {valkey.hget("vault", "access").decode()}
    assert sandbox.calls.count("POST", TOKEN) == 1


def test_a_rotated_refresh_token_is_stored_before_the_new_token_is_used(make_hubspot, sandbox, sandbox_url, portal):
    sandbox.tokens.rotate = True
    sandbox.access_token(portal)
    first = portal.installs[4242].refresh_token
    vault = stored(first)
    used_before: list[int] = []
    keep = vault.save
    vault.save = lambda tokens: (used_before.append(sandbox.calls.count(path=DETAILS)), keep(tokens))
    client = make_hubspot(sandbox_url, vault)
    account.details(client)
    assert used_before == [0]
    second = vault.tokens.refresh_token
    assert second != first and second == portal.installs[4242].refresh_token
    sandbox.drop_tokens(4242, HUB)
    account.details(client)
    assert sandbox.calls.count("POST", TOKEN) == 2
    assert vault.tokens.refresh_token not in (first, second)


def test_a_token_that_could_not_be_stored_is_not_used(make_hubspot, make_source, stub):
    vault = stored()

    def fails(tokens):
        raise OSError("the database is away")

    vault.save = fails
    stub.always(grant())
    with pytest.raises(OSError):
        account.details(make_hubspot(stub.url, vault))
    assert [seen.path for seen in stub.seen] == ["/oauth/2026-09/token"]
    vault.save = lambda tokens: None
    assert make_source(stub.url, vault, wait_seconds=0.1).access_token() == "new", "the lock came free"


def test_what_an_answer_leaves_out_is_kept(make_source, stub):
    vault = stored()
    stub.answer(Reply(json={"access_token": "new"}))
    make_source(stub.url, vault).access_token()
    assert vault.tokens.refresh_token == "refresh-marker"
    assert (vault.tokens.hub_id, vault.tokens.scopes, vault.tokens.user_id) == (HUB, SCOPES, 5)
    assert timedelta(minutes=29) < vault.tokens.expires_at - now() <= timedelta(minutes=30)


@pytest.mark.parametrize("life", [0, -5, "soon", None, [], 1e300, True])
def test_an_absurd_life_is_neither_endless_nor_a_crash(make_source, stub, life):
    vault = stored()
    stub.answer(grant(expires_in=life))
    assert make_source(stub.url, vault).access_token() == "new"
    assert vault.tokens.expires_at <= now() + timedelta(days=1)


def test_a_short_life_is_not_refreshed_at_every_call(make_source, stub, clock):
    source = make_source(stub.url, stored())
    stub.always(grant(expires_in=300))
    for _ in range(5):
        source.access_token()
    assert len(stub.seen) == 1
    clock.shift(226)
    source.access_token()
    assert len(stub.seen) == 2


def test_an_uninstalled_account_needs_a_person(make_source, sandbox, sandbox_url, portal):
    sandbox.access_token(portal)
    vault = stored(portal.installs[4242].refresh_token)
    portal.uninstall()
    with pytest.raises(NeedsReconnect) as raised:
        make_source(sandbox_url, vault).access_token()
    assert (raised.value.reason, raised.value.category) == ("uninstalled", "BAD_REFRESH_TOKEN")
    assert vault.saved == []


def test_a_wrong_secret_of_ours_disconnects_nobody(make_source, sandbox, sandbox_url, portal):
    sandbox.access_token(portal)
    vault = stored(portal.installs[4242].refresh_token)
    wrong = [("hubspot_client_secret", "wrong"), ("hubspot_client_secret", None), ("hubspot_client_id", "wrong")]
    for changes in ({name: value} for name, value in wrong):
        with pytest.raises(OurFault):
            make_source(sandbox_url, vault, **changes).access_token()
    assert make_source(sandbox_url, vault).access_token() == vault.tokens.access_token


def test_a_reinstall_during_a_refresh_is_not_an_uninstall(make_source, stub):
    vault = stored("history")

    def answer(seen):
        if seen.form["refresh_token"] == "history":
            vault.tokens = TokenSet("stale", "newest", LONG_AGO, HUB)  # the web process stores the new install
            return Reply(400, json={"error": "invalid_grant", "status": "BAD_REFRESH_TOKEN"})
        return grant(refresh_token="newest")

    stub.always(answer)
    assert make_source(stub.url, vault).access_token() == "new"
    assert vault.tokens.refresh_token == "newest"
    vault.tokens = TokenSet("old", "history", LONG_AGO, HUB)
    stub.always(lambda seen: (setattr(vault, "tokens", stored("newest", now() + timedelta(minutes=30), "fresh").tokens),
                              Reply(400, json={"error": "invalid_grant"}))[1])  # fmt: skip
    assert make_source(stub.url, vault).access_token() == "fresh", "the new install's own token is fresh enough"


def test_one_retry_with_a_new_token_after_a_401(hubspot, sandbox, vault):
    sandbox.drop_tokens(4242, HUB)
    assert account.details(hubspot).hub_id == HUB
    assert sandbox.calls.count("GET", DETAILS) == 2
    assert sandbox.calls.count("POST", TOKEN) == 1
    assert vault.saved == [vault.tokens]


@pytest.mark.parametrize("status", ["EXPIRED_AUTHENTICATION", "INVALID_AUTHENTICATION"])
def test_repeated_401s_end_and_disconnect_nobody(hubspot, sandbox, status):
    sandbox.faults.add(Fault("GET /account-info", times=50, status=401, body=f'{{"category":"{status}"}}'))
    with pytest.raises(Unavailable) as raised:
        account.details(hubspot)
    assert (raised.value.status, raised.value.category) == (401, status)
    assert sandbox.calls.count("GET", DETAILS) == 2
    assert sandbox.calls.count("POST", TOKEN) == 1


def test_after_a_401_the_token_that_another_process_stored_is_used(hubspot, sandbox, portal, vault):
    account.details(hubspot)
    sandbox.drop_tokens(4242, HUB)
    vault.tokens = TokenSet(
        sandbox.access_token(portal), vault.tokens.refresh_token, now() + timedelta(minutes=30), HUB
    )
    assert account.details(hubspot).hub_id == HUB
    assert sandbox.calls.count("POST", TOKEN) == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(502, body=BAD_GATEWAY_PAGE), Unavailable),
        (Reply(500, json={"status": "error"}), Unavailable),
        (Reply(200, body=BAD_GATEWAY_PAGE), Unavailable),
        (Reply(200, json={"token_type": "bearer"}), Unavailable),
        (Reply(200, json={"access_token": ""}), Unavailable),
        (Reply(403, body="blocked"), Unavailable),
        (Reply(429, headers={"Retry-After": "7"}), Throttled),
        (Reply(423), Throttled),
        (Reply(477, headers={"Retry-After": "3600"}), Throttled),
        (Reset("after_reading"), Unavailable),
        (Reset("before_reading"), Unavailable),
        (Reply(200, json={"access_token": "new"}, cut=4), Unavailable),
    ],
)
def test_a_refresh_that_fails_for_now_keeps_the_account_and_frees_the_lock(make_source, stub, answer, error):
    vault = stored()
    stub.answer(answer)
    with pytest.raises(error):
        make_source(stub.url, vault).access_token()
    assert vault.saved == []
    stub.answer(grant())
    assert make_source(stub.url, vault, wait_seconds=0.1).access_token() == "new"


def test_nobody_waits_forever_for_the_one_that_refreshes(make_source, stub, valkey):
    with valkey.lock(f"crmconnect:token:{HUB}", timeout=30), pytest.raises(Unavailable) as raised:
        make_source(stub.url, stored(), wait_seconds=0.2).access_token()
    assert raised.value.category == "token_lock"
    assert raised.value.retry_at > now()
    assert stub.seen == []


def test_without_redis_no_refresh_is_risked(make_source, stub):
    with redis.Redis(port=1, socket_connect_timeout=0.2, retry=None) as away, pytest.raises(Unavailable) as raised:
        make_source(stub.url, stored(), redis=away).access_token()
    assert raised.value.category == "token_lock"
    assert stub.seen == []


def test_a_fresh_token_needs_neither_lock_nor_call(make_source, stub):
    vault = stored(expires_at=now() + timedelta(minutes=20))
    with redis.Redis(port=1) as away:
        assert make_source(stub.url, vault, redis=away).access_token() == "old"
    assert stub.seen == []
