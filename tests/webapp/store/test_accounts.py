"""Installing, reinstalling, leaving, being purged."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from tests.support.rows import row
from tests.webapp.store import twins
from tests.webapp.store.conftest import HUB
from webapp.clock import now
from webapp.extensions import db
from webapp.security.crypto import current_cipher
from webapp.store import accounts, housekeeping, streams
from webapp.store.accounts import UnknownAccount
from webapp.store.base import Base
from webapp.store.settings import set_setting

KEPT_BY_PURGE = {"account", "never_match", "erased_person"}


def test_an_install_makes_an_account_with_a_key_of_its_own(make_account):
    make_account(1, hub_domain="one.example", time_zone="Australia/Perth", currency="AUD", installed_by="7")
    make_account(2)
    first, second = accounts.get_account(1), accounts.get_account(2)
    assert (first.status, first.hub_domain, first.time_zone, first.currency) == (
        "active",
        "one.example",
        "Australia/Perth",
        "AUD",
    )
    assert len(accounts.digest_key(first)) == 32
    assert accounts.digest_key(first) != accounts.digest_key(second)
    assert [account.hub_id for account in accounts.list_accounts()] == [1, 2]


def test_an_unknown_account_is_named(app):
    assert accounts.find_account(404) is None
    for call in (
        lambda: accounts.get_account(404),
        lambda: accounts.set_status(404, "paused"),
        lambda: accounts.purge_account(404),
        lambda: accounts.save_provisioning(404, {}),
        lambda: set_setting(404, "interval_minutes", "15"),
    ):
        with pytest.raises(UnknownAccount, match="404"):
            call()


def test_a_reinstall_keeps_connection_links_settings_and_key(app, engine, make_account):
    twins.seed(HUB_TWIN := twins.OURS)
    db.session.commit()
    accounts.set_status(HUB_TWIN, "uninstalled")
    before = twins.rows_of(HUB_TWIN)
    key = accounts.digest_key(accounts.get_account(HUB_TWIN))
    make_account(HUB_TWIN, access_token="second", refresh_token="second refresh", scopes=["new"])
    account = accounts.get_account(HUB_TWIN)
    assert (account.status, account.status_reason, account.uninstalled_at) == ("active", None, None)
    assert (account.access_token, account.refresh_token, account.scopes) == ("second", "second refresh", ["new"])
    assert accounts.digest_key(account) == key
    after = twins.rows_of(HUB_TWIN)
    assert {name: rows for name, rows in after.items() if name != "account"} == {
        name: rows for name, rows in before.items() if name != "account"
    }


def test_a_reinstall_keeps_what_hubspot_did_not_tell_this_time(make_account):
    make_account(hub_domain="clinic.example", time_zone="Europe/London")
    make_account(hub_domain=None, time_zone=None)
    assert accounts.get_account(HUB).hub_domain == "clinic.example"
    assert accounts.get_account(HUB).time_zone == "Europe/London"


def test_a_reinstall_starts_what_had_stopped_and_only_that(hub, make_account):
    streams.ensure_streams(hub, ["patients", "contacts"])
    later = now() + timedelta(minutes=10)
    streams.stop(hub, "patients", "uninstalled")
    streams.wait(hub, "contacts", later, "rate_limited")
    make_account()
    found = {state.stream: (state.state, state.cause) for state in streams.stream_states(hub)}
    assert found == {"patients": ("idle", None), "contacts": ("waiting", "rate_limited")}


def test_a_reinstall_does_not_end_a_pause(hub, make_account):
    accounts.set_status(hub, "paused", "by_person")
    make_account()
    assert (accounts.get_account(hub).status, accounts.get_account(hub).status_reason) == ("paused", "by_person")


def test_two_installs_at_once_make_one_account_with_one_key(at_once, make_account, engine):
    results = at_once(*([make_account] * 4))
    assert results == [HUB] * 4
    assert len(accounts.list_accounts()) == 1
    assert len(accounts.digest_key(accounts.get_account(HUB))) == 32


def test_leaving_forgets_the_tokens_at_once(hub):
    accounts.set_status(hub, "uninstalled", "revoked")
    account = accounts.get_account(hub)
    assert (account.access_token, account.refresh_token, account.token_expires_at) == (None, None, None)
    assert (account.status, account.status_reason) == ("uninstalled", "revoked")
    assert account.uninstalled_at is not None


def test_leaving_twice_does_not_start_the_retention_anew(hub):
    with time_machine.travel(now(), tick=False) as clock:
        accounts.set_status(hub, "uninstalled")
        first = accounts.get_account(hub).uninstalled_at
        clock.shift(timedelta(days=5))
        accounts.set_status(hub, "uninstalled")
    assert accounts.get_account(hub).uninstalled_at == first


def test_only_an_install_brings_back_an_account_that_left(hub, engine, make_account):
    """A button pressed at the moment of the uninstall must not keep the data for ever."""
    accounts.set_status(hub, "uninstalled", "revoked")
    for status in ("paused", "active"):
        accounts.set_status(hub, status, "by_person")
        assert (accounts.get_account(hub).status, accounts.get_account(hub).status_reason) == ("uninstalled", "revoked")
    make_account()
    assert accounts.get_account(hub).status == "active"


def test_a_refresh_that_ends_after_the_uninstall_stores_no_token(hub):
    accounts.set_status(hub, "uninstalled")
    accounts.save_tokens(hub, access_token="late", refresh_token="late", token_expires_at=now())
    account = accounts.get_account(hub)
    assert (account.access_token, account.refresh_token) == (None, None)


def test_tokens_are_overwritten_by_a_refresh(hub):
    until = now() + timedelta(minutes=30)
    accounts.save_tokens(hub, access_token="newer", refresh_token="newest", token_expires_at=until)
    account = accounts.get_account(hub)
    assert (account.access_token, account.refresh_token, account.token_expires_at) == ("newer", "newest", until)


def test_provisioning_is_remembered(hub):
    accounts.save_provisioning(hub, {"contact_properties": ["email"]})
    assert accounts.get_account(hub).provision_report == {"contact_properties": ["email"]}
    assert accounts.get_account(hub).provisioned_at is not None


def test_a_purge_leaves_hmacs_only(app, engine):
    twins.seed(twins.OURS)
    db.session.commit()
    before = twins.rows_of(twins.OURS)
    deleted = accounts.purge_account(twins.OURS)
    after = twins.rows_of(twins.OURS)
    assert {name for name, rows in after.items() if rows} == KEPT_BY_PURGE
    assert deleted == {name: len(rows) for name, rows in before.items() if name not in KEPT_BY_PURGE}
    assert (after["never_match"], after["erased_person"]) == (before["never_match"], before["erased_person"])
    (account,) = after["account"]
    # Its number and the key behind the HMACs, without which they would recognise nobody; the rest says that it left.
    kept = {name for name, value in account.items() if value not in (None, [], {})}
    assert kept == {"hub_id", "status", "status_reason", "digest_key", "created_at", "updated_at", "uninstalled_at"}
    assert account["digest_key"] == before["account"][0]["digest_key"]
    assert (account["status"], account["status_reason"]) == ("uninstalled", "purged")


def test_a_purge_leaves_no_text_in_any_column(app):
    """The same, in the database as it is."""
    twins.seed(twins.OURS)
    db.session.commit()
    accounts.purge_account(twins.OURS)
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if column.name != "digest_key"]
        for values in db.session.execute(sa.select(*(sa.type_coerce(c, c.type) for c in columns))):
            assert "Planted" not in repr(values), table.name


def test_every_table_of_accounts_is_known_to_the_purge(app):
    deleted = {name for name in Base.metadata.tables if name not in KEPT_BY_PURGE}
    accounts_row = row(Base.metadata.tables["account"], hub_id=5)
    db.session.execute(Base.metadata.tables["account"].insert(), [accounts_row])
    db.session.commit()
    assert set(accounts.purge_account(5)) == deleted


def test_a_purge_of_a_running_account_uninstalls_it(hub):
    accounts.purge_account(hub)
    assert accounts.get_account(hub).status == "uninstalled"
    assert accounts.get_account(hub).access_token is None


def test_after_a_purge_an_install_starts_anew_and_still_knows_whom_not_to_touch(app, make_account):
    twins.seed(twins.OURS)
    db.session.commit()
    key = accounts.digest_key(accounts.get_account(twins.OURS))
    accounts.purge_account(twins.OURS)
    make_account(twins.OURS)
    account = accounts.get_account(twins.OURS)
    assert (account.status, account.status_reason, account.provisioned_at) == ("active", None, None)
    assert accounts.digest_key(account) == key
    assert housekeeping.accounts_to_purge(now() + timedelta(days=900)) == []


def test_accounts_are_purged_after_their_own_number_of_days_and_once(make_account, engine):
    for hub_id in (1, 2, 3, 4):
        make_account(hub_id)
    set_setting(1, "retention_days", "1")
    set_setting(2, "retention_days", "90")
    with time_machine.travel(now(), tick=False) as clock:
        for hub_id in (1, 2, 3):
            accounts.set_status(hub_id, "uninstalled")
        accounts.set_status(4, "paused")
        assert housekeeping.accounts_to_purge(now()) == []
        clock.shift(timedelta(days=1))
        assert housekeeping.accounts_to_purge(now()) == [1]
        accounts.purge_account(1)
        clock.shift(timedelta(days=29))
        assert housekeeping.accounts_to_purge(now()) == [3]
        accounts.purge_account(3)
        clock.shift(timedelta(days=60))
        assert housekeeping.accounts_to_purge(now()) == [2]
        accounts.purge_account(2)
        clock.shift(timedelta(days=999))
        assert housekeeping.accounts_to_purge(now()) == []
    assert accounts.get_account(4).status == "paused"


def test_the_cipher_of_the_application_reads_what_it_wrote(hub, app):
    raw = db.session.scalar(sa.text("SELECT access_token FROM account"))
    assert current_cipher().decrypt(bytes(raw)) == "access"
