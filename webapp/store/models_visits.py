"""What the ledger knows of appointments and invoices: ids, times, states and amounts, and no more."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, UtcDateTime


class Visit(Base):
    """One entry of the calendar. kind: individual_appointment | group_appointment (no patient) | attendee (of a group).

    status: booked | arrived | did_not_arrive | cancelled | removed.
    """

    __tablename__ = "visit"
    __table_args__ = (
        Index("ix_visit_patient", "connection_id", "patient_id"),
        Index("ix_visit_booking", "connection_id", "booking_id"),
        Index("ix_visit_case", "connection_id", "case_id"),
        Index("ix_visit_start", "connection_id", "kind", "starts_at"),
    )

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    cliniko_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    patient_id: Mapped[str | None] = mapped_column(String(32))
    # An attendee's group appointment.
    booking_id: Mapped[str | None] = mapped_column(String(32))
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(String(16))
    type_id: Mapped[str | None] = mapped_column(String(32))
    practitioner_id: Mapped[str | None] = mapped_column(String(32))
    business_id: Mapped[str | None] = mapped_column(String(32))
    case_id: Mapped[str | None] = mapped_column(String(32))


class Bill(Base):
    """One invoice. `status` is Cliniko's number (10 open, 20 paid, 30 closed, 40 open credit), `total` in the clinic's
    currency."""

    __tablename__ = "bill"
    __table_args__ = (Index("ix_bill_patient", "connection_id", "patient_id"),)

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    cliniko_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    patient_id: Mapped[str | None] = mapped_column(String(32))
    status: Mapped[int | None] = mapped_column()
    total: Mapped[Decimal] = mapped_column(Numeric(14, 2), default=Decimal(0))
    issue_date: Mapped[date | None] = mapped_column()
    removed: Mapped[bool] = mapped_column(default=False)


class VisitSummary(Base):
    """The visit summary of one patient's contact: when to compute it again, and what we last wrote of it."""

    __tablename__ = "visit_summary"
    __table_args__ = (Index("ix_visit_summary_due", "connection_id", "due_at"),)

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    hub_id: Mapped[int] = mapped_column(BigInteger, index=True)
    # None: nothing will change by the passing of time alone.
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The contact that `fields` were written to, msgpack {property: 8-byte keyed digest}.
    contact_id: Mapped[str | None] = mapped_column(String(32))
    fields: Mapped[bytes | None] = mapped_column(LargeBinary)
