"""Accounts (HubSpot portals), their Cliniko connection and their settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, BigId, EncryptedText, UtcDateTime


class Account(Base):
    """One HubSpot portal that installed the app. `hub_id` is HubSpot's own number."""

    __tablename__ = "account"

    hub_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    # active | paused | uninstalled
    status: Mapped[str] = mapped_column(String(20), default="active")
    status_reason: Mapped[str | None] = mapped_column(String(200))
    hub_domain: Mapped[str | None] = mapped_column(String(255))
    ui_domain: Mapped[str | None] = mapped_column(String(255))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    currency: Mapped[str | None] = mapped_column(String(8))
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    installed_by: Mapped[str | None] = mapped_column(String(40))
    access_token: Mapped[str | None] = mapped_column(EncryptedText)
    refresh_token: Mapped[str | None] = mapped_column(EncryptedText)
    token_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Keys the HMACs of this account's people; kept through a purge so that erased persons stay recognised.
    digest_key: Mapped[str] = mapped_column(EncryptedText)
    # Cliniko accounts whose keys no longer count because an admin confirmed their replacement.
    replaced_cliniko_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    provisioned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provision_report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    uninstalled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Connection(Base):
    """The Cliniko account behind a portal. One is active; a replaced one stays for its history."""

    __tablename__ = "connection"
    __table_args__ = (UniqueConstraint("hub_id", "cliniko_account_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"), index=True)
    # active | key_revoked | replaced
    status: Mapped[str] = mapped_column(String(20), default="active")
    api_key: Mapped[str | None] = mapped_column(EncryptedText)
    shard: Mapped[str] = mapped_column(String(8))
    cliniko_account_id: Mapped[str] = mapped_column(String(32))
    cliniko_user_id: Mapped[str] = mapped_column(String(32))
    role: Mapped[str | None] = mapped_column(String(40))
    account_name: Mapped[str | None] = mapped_column(String(255))
    subdomain: Mapped[str | None] = mapped_column(String(255))
    country_code: Mapped[str | None] = mapped_column(String(2))
    # list name -> "ok" | "forbidden", as probed when the key was checked
    access: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ConnectionAttempt(Base):
    """A Cliniko key that somebody entered in the browser, while a job checks it. It is forgotten afterwards."""

    __tablename__ = "connection_attempt"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"), index=True)
    api_key: Mapped[str | None] = mapped_column(EncryptedText)
    replace: Mapped[bool] = mapped_column(default=False)
    # checking | connected | refused | needs_confirmation
    state: Mapped[str] = mapped_column(String(24), default="checking")
    message: Mapped[str | None] = mapped_column(Text)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AccountSetting(Base):
    """One setting that differs from its default. `value` is JSON."""

    __tablename__ = "account_setting"

    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SigninLink(Base):
    """The way from HubSpot to one of our pages, good for one use within minutes. The token itself is not kept."""

    __tablename__ = "signin_link"
    __table_args__ = (
        UniqueConstraint("token_hash", name="uq_signin_link_token"),
        UniqueConstraint("hub_id", "key", name="uq_signin_link_key"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    # The click that asked for it: a repeated request gets the same link.
    key: Mapped[str] = mapped_column(String(64))
    # HubSpot's number of the person.
    user_id: Mapped[int] = mapped_column(BigInteger)
    # dashboard | onboarding | review
    page: Mapped[str] = mapped_column(String(16))
    # full | staff
    role: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
