"""The ledger (all links) and the identity index (who is who), plus the memories that outlive a purge."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, BigId, EncryptedText, UtcDateTime


class Link(Base):
    """A remembered pair: one Cliniko record and one HubSpot record.

    state: reserved (inserted before the HubSpot write) | linked | held (waits for a review) | closed (HubSpot record
    gone) | unlinked (a person broke it) | excluded (never linked and not to be created) | waiting (a deal whose
    patient has no contact; `rule` says why).
    """

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "cliniko_id", name="uq_link_cliniko"),
        UniqueConstraint("hub_id", "kind", "hubspot_id", name="uq_link_hubspot"),
        Index("ix_link_state", "hub_id", "kind", "state"),
        Index("ix_link_email", "hub_id", "email_hmac"),
        Index("ix_link_withheld", "hub_id", "withheld_hmac"),
        Index("ix_link_patient", "connection_id", "patient_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    hub_id: Mapped[int] = mapped_column(ForeignKey("account.hub_id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    cliniko_id: Mapped[str] = mapped_column(String(32))
    hubspot_id: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(12))
    rule: Mapped[str | None] = mapped_column(String(24))
    # One keyed digest over the whole mapped record: equal means that nothing has to be sent.
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    # msgpack {property: 8-byte keyed digest} of the values both sides last agreed on.
    fields: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    withheld_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    shared_email: Mapped[bool] = mapped_column(default=False)
    cliniko_status: Mapped[str] = mapped_column(String(10), default="active")
    cliniko_updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unlinked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Deals only: whose deal it is (Cliniko patient), the HubSpot contact we associated it with, and the pipeline and
    # stage that we last gave it.
    patient_id: Mapped[str | None] = mapped_column(String(32))
    contact_id: Mapped[str | None] = mapped_column(String(32))
    pipeline: Mapped[str | None] = mapped_column(String(100))
    stage: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Person(Base):
    """What the identity index knows of one Cliniko patient or contact: HMACs to match by, one encrypted display row."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_email", "connection_id", "kind", "email_hmac"),)

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    cliniko_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    email_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    first_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    preferred_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    last_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    birth_hmac: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    archived: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[str | None] = mapped_column(String(32))
    # Decides the price of an appointment.
    concession_id: Mapped[str | None] = mapped_column(String(32))
    # Digest of all of the above, so that an unchanged person costs no write.
    digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    display: Mapped[str] = mapped_column(EncryptedText)


class PersonTerm(Base):
    """HMACs of a person's phone numbers and name words, for phone matching and for search."""

    __tablename__ = "person_term"
    __table_args__ = (Index("ix_person_term_term", "connection_id", "kind", "term"),)

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    cliniko_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    term: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)


class Referral(Base):
    """A patient's referral source, kept because Cliniko lists them apart from patients and cannot filter by patient."""

    __tablename__ = "referral"

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    source_id: Mapped[str | None] = mapped_column(String(32))
    type_id: Mapped[str | None] = mapped_column(String(32))
    subcategory: Mapped[str | None] = mapped_column(EncryptedText)
    digest: Mapped[bytes] = mapped_column(LargeBinary(16))


class NeverMatch(Base):
    """An unlinked pair, as HMACs of the Cliniko key and of the HubSpot id; survives a purge."""

    __tablename__ = "never_match"

    hub_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cliniko_hmac: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    hubspot_hmac: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ErasedPerson(Base):
    """A person whose data was erased for good: HMAC of the key, and of email, names and birth date together."""

    __tablename__ = "erased_person"

    hub_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    memory_hmac: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
